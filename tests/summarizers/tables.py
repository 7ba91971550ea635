"""Tool outputs that are tables, each with one row or object that one field sets apart from all others.

Nothing in its words or its form is unlike its neighbours, or there is a name to it that stands on another line. Kinds
were written after the choice of rows was built and nothing was set by them; who wrote them knew how it works.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from tests.summarizers.outputs import NOUNS, VERBS, Output


class Table(NamedTuple):
    """What a tool prints."""

    tool: str
    argument: str
    head: tuple[str, ...]
    rows: list[str]
    """Rows, or objects of several lines."""
    odd: str
    tells: tuple[str, ...]
    """What of the odd one must not be lost, together."""
    foot: tuple[str, ...] = ()


def _name(r: Random) -> str:
    return r.choice(
        (f"{r.choice(NOUNS)}-{r.choice(NOUNS)}", f"{r.choice(NOUNS)}_{r.choice(VERBS)}_{r.randint(10, 99)}")
    )


def _odd_name(r: Random) -> str:
    return f"{r.choice(NOUNS)}-{r.choice(VERBS)}-{r.randint(100, 999)}"


def queues(r: Random, size: int) -> Table:
    """Queues of a broker; one has no consumer."""

    def row(name: str, consumers: int) -> str:
        return f"{name:<24} {r.randint(0, 90):>6} {r.randint(0, 9):>5} {consumers:>3}  running"

    odd = _odd_name(r)
    rows = [row(_name(r), 4) for _ in range(size)]
    head = (f"{'name':<24} {'ready':>6} {'unack':>5} {'con':>3}  state",)
    return Table("Bash", "rabbitmqctl list_queues", head, rows, row(odd, 0), (odd,))


def proxy_log(r: Random, size: int) -> Table:
    """Requests through a proxy; one failed, one took long or one deleted something."""

    def row(path: str, *, verb: str = "GET", status: int = 200, seconds: float = 0.0) -> str:
        took = seconds or r.uniform(0.01, 0.3)
        return f"{r.randint(10, 23)}:{r.randint(10, 59)} edge-{r.randint(1, 4)} {verb} /{path} {status} {took:.3f}s"

    odd = f"{r.choice(NOUNS)}/{_odd_name(r)}"
    rows = [row(f"{r.choice(NOUNS)}/{_name(r)}") for _ in range(size)]
    line = r.choice((row(odd, status=502), row(odd, seconds=41.7), row(odd, verb="PURGE")))
    return Table("Bash", "tail -n 200 proxy.log", (), rows, line, (odd,))


def payments(r: Random, size: int) -> Table:
    """Rows of a CSV; one amount is negative, in another currency, or no number."""

    def row(number: int, amount: str, currency: str) -> str:
        return f"P{number},{_name(r)},{amount},{currency},2025-0{r.randint(1, 9)}-{r.randint(10, 28)}"

    number = r.randint(700_000, 799_999)
    rows = [row(r.randint(100_000, 699_999), f"{r.uniform(5, 900):.2f}", "CHF") for _ in range(size)]
    amount, currency = r.choice((("-880.10", "CHF"), ("51.20", "THB"), ("#VALUE!", "CHF")))
    head = ("payment,customer,amount,currency,day",)
    return Table(
        "Read", "/data/payments.csv", head, rows, row(number, amount, currency), (f"P{number}", amount, currency)
    )


def folders(r: Random, size: int) -> Table:
    """Sizes of folders; one is in terabytes, or nearly empty."""
    odd = _odd_name(r)
    rows = [f"{r.randint(101, 990)}M\t/backup/{r.choice(NOUNS)}/{_name(r)}" for _ in range(size)]
    total = (f"{size // 2}G\t/backup",)
    return Table("Bash", "du -h /backup", (), rows, f"{r.choice(('7.1T', '4.0K'))}\t/backup/{odd}", (odd,), total)


def owners(r: Random, size: int) -> Table:
    """Files with their modes; one belongs to somebody else, or may be written by all."""

    def row(name: str, mode: str, user: str) -> str:
        return f"{mode} {user:<6} staff {r.randint(300, 9000):>6} Jun {r.randint(10, 28)} {name}.conf"

    odd = _odd_name(r)
    mode, user = r.choice((("-rw-r-----", "nobody"), ("-rw-rw-rw-", "deploy")))
    rows = [row(_name(r), "-rw-r-----", "deploy") for _ in range(size)]
    return Table("Bash", "ls -l /etc/app", (f"total {size * 4}",), rows, row(odd, mode, user), (odd, mode))


def timings(r: Random, size: int) -> Table:
    """Steps of a job with their times; one took a hundred times as long."""
    odd = _odd_name(r)
    rows = [f"step {_name(r):<22} rows={r.randint(100, 999)} ms={r.randint(10, 80)}" for _ in range(size)]
    line = f"step {odd:<22} rows=412 ms=9{r.randint(100, 999)}"
    return Table("Bash", "./etl --profile", (), rows, line, (odd,), (f"all steps took {size * 45} ms",))


def cluster(r: Random, size: int) -> Table:
    """Objects of indented JSON; one is not like the others in one value."""

    def item(name: str, phase: str, zone: str) -> str:
        return (
            f'    {{\n      "node": "{name}",\n      "status": {{\n        "phase": "{phase}",\n'
            f'        "cpus": {r.randint(2, 9)}\n      }},\n      "zone": "{zone}"\n    }},'
        )

    odd = _odd_name(r)
    phase, zone = r.choice((("Draining", "eu-1"), ("Ready", "us-9")))
    rows = [item(_name(r), "Ready", "eu-1") for _ in range(size // 5)]
    tells = (odd, phase if phase != "Ready" else zone)
    return Table(
        "Bash", "clusterctl get -o json", ("{", '  "nodes": ['), rows, item(odd, phase, zone), tells, ("  ]", "}")
    )


def settings(r: Random, size: int) -> Table:
    """Services in YAML; one has one setting of its own."""

    def item(name: str, memory: str, log: str) -> str:
        return f"  {name}:\n    memory: {memory}\n    replicas: 3\n    log: {log}"

    odd = _odd_name(r)
    memory, log = r.choice((("64Gi", "info"), ("512Mi", "off")))
    rows = [item(_name(r), "512Mi", "info") for _ in range(size // 4)]
    tells = (odd, memory if memory != "512Mi" else f"log: {log}")
    return Table("Read", "/srv/stack.yaml", ("services:",), rows, item(odd, memory, log), tells)


def licences(r: Random, size: int) -> Table:
    """Packages in paragraphs; one has another licence."""

    def item(name: str, licence: str) -> str:
        return f"{name} {r.randint(1, 9)}.{r.randint(0, 20)}\nLicence: {licence}\nfrom registry.local/{name}\n"

    odd = _odd_name(r)
    rows = [item(_name(r), r.choice(("MIT", "ISC"))) for _ in range(size // 4)]
    return Table("Bash", "licences --list", (), rows, item(odd, "AGPL-3.0"), (odd, "AGPL-3.0"))


def coverage(r: Random, size: int) -> Table:
    """Files with the share of their lines that is run; one is hardly run."""
    odd = _odd_name(r)
    rows = [f"lib/{_name(r) + '.rb':<30} {r.randint(40, 400):>4} {r.randint(90, 100):>4}%" for _ in range(size)]
    foot = (f"{'all':<34} 8200 {94:>4}%",)
    return Table(
        "Bash",
        "rake coverage",
        ("file                               lines  run",),
        rows,
        f"lib/{odd + '.rb':<30}  120    4%",
        (odd,),
        foot,
    )


KINDS: dict[str, Callable[[Random, int], Table]] = {
    make.__name__: make
    for make in (queues, proxy_log, payments, folders, owners, timings, cluster, settings, licences, coverage)
}


def make_table(kind: str, seed: int, *, where: str, lines: int = 160) -> tuple[Output, tuple[str, ...]]:
    """Build one output, and what of it must not be lost."""
    r = Random(f"{kind} {seed}")
    table = KINDS[kind](r, lines)
    at = {"head": r.randint(0, 2), "middle": len(table.rows) // 2, "end": len(table.rows) - r.randint(0, 2)}[where]
    text = "\n".join((*table.head, *table.rows[:at], table.odd, *table.rows[at:], *table.foot))
    return Output(kind, table.tool, table.argument, text, table.tells[0]), table.tells


def tells_all(text: str, tells: Sequence[str]) -> bool:
    """Tell whether one line of a text says all of it, apart from other things that share the line."""
    return any(all(told in one for told in tells) for line in text.split("\n") for one in line.split(" ¦ "))
