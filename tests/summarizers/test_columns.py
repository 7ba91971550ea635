"""Which rows of a table are odd: by a field that is unlike its column, not by what is unlike everywhere."""

import pytest

from cortex_cli.summarizers.columns import read_table
from cortex_cli.summarizers.rescue import telling_lines

STEPS = range(40)
HOSTS = [f"host-{chr(97 + at % 26)}{at}" for at in STEPS]
TABLES = {
    "state": ([f"{host}  up  ready  {at}d" for at, host in enumerate(HOSTS)], "host-zz  up  draining  7d"),
    "code": ([f'"GET /{host}" 200 {900 + at}' for at, host in enumerate(HOSTS)], '"GET /host-zz" 503 911'),
    "large": ([f"{host} took 0.{10 + at} s" for at, host in enumerate(HOSTS)], "host-zz took 48.20 s"),
    "small": ([f"{host} {91 + at % 9}%" for at, host in enumerate(HOSTS)], "host-zz 12%"),
    "negative": ([f"{at},{host},{100 + at * 7}.50,EUR" for at, host in enumerate(HOSTS)], "77,host-zz,-90.00,EUR"),
    "no number": ([f"{at},{host},{100 + at * 7}.50,EUR" for at, host in enumerate(HOSTS)], "77,host-zz,#REF!,EUR"),
    "unit": ([f"{10 + at * 3}K  ./{host}" for at, host in enumerate(HOSTS)], "31G  ./host-zz"),
    "quoted": (
        [f'<case name="{host}" time="0.{10 + at}"/>' for at, host in enumerate(HOSTS)],
        '<case name="zz" time="73.9"/>',
    ),
    "other length": ([f"{host} up 0 {at}d" for at, host in enumerate(HOSTS)], "host-zz up 31 (2m ago) 7d"),
    "year": (
        [f"{at:>3},2024-{1 + at % 12:02}-11,{host},20{at}" for at, host in enumerate(HOSTS)],
        "9,1999-12-31,x1,207",
    ),
    "network": (
        [f"allow from 10.{at}.{at % 9}.0/24 to {host}" for at, host in enumerate(HOSTS)],
        "allow from 0.0.0.0/0 to host-b3",
    ),
    "ragged": (
        [f"10.0.3.{at} GET /{host} 200 {91 + at} {'agent text ' * (at % 5)}" for at, host in enumerate(HOSTS)],
        "10.0.3.7 GET /host-b3 503 95 agent text agent text",
    ),
    "key and value": (
        [f"cache:{host} kind=string ttl={300 + at}" for at, host in enumerate(HOSTS)],
        "cache:zz kind=string ttl=-1",
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_the_row_with_an_odd_field_is_found(name: str) -> None:
    """Its words and its shape are those of all others; only one field tells."""
    rows, odd = TABLES[name]
    lines = [*rows[:23], odd, *rows[23:]]
    found = read_table(lines).odd
    assert max(found, key=lambda at: found[at]) == 23
    assert telling_lines("\n".join(lines))[0].text == odd


def test_lines_with_keys_are_compared_with_those_of_the_same_key() -> None:
    """`"state": "down"` is odd among states, whatever the other keys of the objects hold."""
    lines: list[str] = []
    for at, host in enumerate(HOSTS):
        lines += [f'"host": "{host}",', f'"state": "{"down" if at == 17 else "up"}",', f'"load": 0.{10 + at},']
    assert list(read_table(lines).odd) == [17 * 3 + 1]


def test_lines_with_a_mark_are_compared_however_few_they_are() -> None:
    """Most lines of a file of settings have keys of their own; one of twelve images has no version."""
    lines: list[str] = []
    for at, host in enumerate(HOSTS[:12]):
        lines += [f"{host}:", f"image: hub.example/{host}:1.{at}.{at % 3}", *(f"KEY_{at}_{i}: {i}m" for i in range(9))]
    lines[5 * 11 + 1] = f"image: hub.example/{HOSTS[5]}:edge"
    found = read_table(lines).odd
    assert max(found, key=lambda at: found[at]) == 5 * 11 + 1


def test_where_all_values_are_rare_none_is_odd() -> None:
    """Names that differ from row to row say nothing of the row, nor does the smallest of figures of all sizes."""
    rows = [f"{host} {at * at + 1} {chr(97 + at % 26)}{chr(97 + at // 3)}" for at, host in enumerate(HOSTS)]
    assert read_table(rows).odd == {}


def test_what_is_no_table_has_no_odd_rows() -> None:
    """Lines of every length, and too few lines, have no columns."""
    assert read_table([" ".join(HOSTS[: at % 13 + 1]) for at in STEPS]).odd == {}
    assert read_table(["a 1", "b 1", "c 2"]).odd == {}


def test_head_and_sum_give_way_to_a_row_that_stands_out() -> None:
    """The name of every column is unlike what stands below it."""
    rows, odd = TABLES["state"]
    text = "\n".join(("NAME  STATUS  PHASE  AGE", *rows[:9], odd, *rows[9:], "Finished in 18.4 s, no retries"))
    assert telling_lines(text)[0].text == odd


def test_several_lines_of_head_and_foot_give_way_too() -> None:
    """What a program says of itself stands once in each of its outputs."""
    rows, odd = TABLES["state"]
    head = ("tool 4.2.1 (linux-x64, build 77)", "config: /etc/tool/main.cfg", "using 16 workers")
    text = "\n".join((*head, *rows[:9], odd, *rows[9:], "peak memory: 311 MB of 512", "Finished in 18.4 s, no retries"))
    assert telling_lines(text)[0].text == odd


def test_a_last_row_that_is_longer_is_no_foot() -> None:
    """It cannot have been cut."""
    rows = [f"{at:>2} hop-{at}.example {at}.1 ms" for at in STEPS]
    assert telling_lines("\n".join((*rows, "41 hop-41.example 41.3 ms !X !X")))[0].text.startswith("41")
