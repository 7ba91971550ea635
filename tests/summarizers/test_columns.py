"""Which rows of a table are odd: by a field that is unlike its column, not by what is unlike everywhere."""

import pytest

from cortex_cli.summarizers.columns import odd_rows
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
    found = odd_rows(lines)
    assert max(found, key=lambda at: found[at]) == 23
    assert telling_lines("\n".join(lines))[0].text == odd


def test_lines_with_keys_are_compared_with_those_of_the_same_key() -> None:
    """`"state": "down"` is odd among states, whatever the other keys of the objects hold."""
    lines: list[str] = []
    for at, host in enumerate(HOSTS):
        lines += [f'"host": "{host}",', f'"state": "{"down" if at == 17 else "up"}",', f'"load": 0.{10 + at},']
    assert list(odd_rows(lines)) == [17 * 3 + 1]


def test_where_all_values_are_rare_none_is_odd() -> None:
    """Names that differ from row to row say nothing of the row, nor does the smallest of figures of all sizes."""
    rows = [f"{host} {at * at + 1} {chr(97 + at % 26)}{chr(97 + at // 3)}" for at, host in enumerate(HOSTS)]
    assert odd_rows(rows) == {}


def test_what_is_no_table_has_no_odd_rows() -> None:
    """Lines of every length, and too few lines, have no columns."""
    assert odd_rows([" ".join(HOSTS[: at % 13 + 1]) for at in STEPS]) == {}
    assert odd_rows(["a 1", "b 1", "c 2"]) == {}


def test_head_and_sum_give_way_to_a_row_that_stands_out() -> None:
    """The name of every column is unlike what stands below it."""
    rows, odd = TABLES["state"]
    text = "\n".join(("NAME  STATUS  PHASE  AGE", *rows[:9], odd, *rows[9:], "Finished in 18.4 s"))
    assert telling_lines(text)[0].text == odd
