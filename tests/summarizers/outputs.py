"""Tool outputs as agents see them, each with one planted line that is the only one of its kind in it.

Written for these tests; the words are drawn at random, so that no line can be known by heart. Kinds in `TUNED`
were looked at while the choice of lines was built. Kinds in `HELD_OUT` were written later and only counted; misses
in two of them, csv and kubectl, led to one general change of the choice, so they are no longer strictly unseen.
"""

import json
from collections.abc import Callable
from random import Random
from typing import NamedTuple

NOUNS = (
    "cache", "index", "parser", "token", "stream", "buffer", "merge", "commit", "session", "retry", "queue", "worker",
    "handler", "schema", "field", "cursor", "page", "lock", "batch", "flush", "config", "route", "model", "order",
    "invoice", "ledger", "context", "window", "billing", "search", "export", "gateway", "mailer", "audit",
)  # fmt: skip
VERBS = (
    "load", "fetch", "parse", "flush", "merge", "store", "apply", "check", "sync", "prune", "rotate", "warm", "index",
    "render", "resolve",
)  # fmt: skip


class Output(NamedTuple):
    """A tool result and what must not be lost of it."""

    kind: str
    tool: str
    argument: str
    text: str
    planted: str
    """The telling part of the planted line."""


def _word(r: Random) -> str:
    return r.choice(NOUNS)


def _id(r: Random) -> str:
    return "".join(r.choices("abcdef0123456789", k=10))


def planted_line(r: Random) -> str:
    """Build an error, a path, an identifier or a value."""
    a, b = r.sample(NOUNS, 2)
    return r.choice(
        (
            f"error: {a} refused the {b}: permission denied (errno 13)",
            f"Error: cannot open {a}.lock: held by pid {r.randint(1000, 99999)}",
            f"FATAL {a}-{b}: checksum mismatch in block {r.randint(100, 9999)}",
            f"wrote report to /var/lib/{a}/{b}-{r.randint(10, 99)}.sqlite",
            f"using credentials from /etc/{a}/{b}.pem",
            f"core dumped to /srv/crash/{a}.{r.randint(1000, 9999)}.core",
            f"request id: req_{_id(r)}",
            f"deployment {a}-{_id(r)[:6]} promoted",
            f"build fingerprint {_id(r)}{_id(r)}",
            f"max_{a}_{b} = {r.randint(100, 9999)}",
            f"effective {a} limit: {r.randint(100, 9999)} per {b}",
            f"{a.upper()}_{b.upper()}={r.randint(1024, 65000)}",
        )
    )


def _insert(r: Random, lines: list[str], planted: str, where: str) -> str:
    at = {"head": r.randint(0, 2), "middle": len(lines) // 2, "end": len(lines) - r.randint(0, 2)}[where]
    return "\n".join([*lines[:at], planted, *lines[at:]])


def build_log(r: Random, size: int) -> list[str]:
    """Compile lines with counters."""
    return [f"[{i}/{size}] Building CXX object src/{_word(r)}/{_word(r)}_{i}.cpp.o" for i in range(1, size + 1)]


def npm_log(r: Random, size: int) -> list[str]:
    """Packages being fetched."""
    return [
        f"npm http fetch GET 200 https://registry.local.org/{_word(r)}-{_word(r)} {r.randint(20, 900)}ms (cache miss)"
        for _ in range(size)
    ]


def pytest_run(r: Random, size: int) -> list[str]:
    """A pytest run."""
    lines = ["============ test session starts ============", f"collected {size * 7} items", ""]
    lines += [f"tests/test_{_word(r)}_{i}.py {'.' * r.randint(3, 40)} [{i * 100 // size:3d}%]" for i in range(size)]
    return [*lines, "", f"============ {size * 7} passed in {r.randint(3, 90)}.{r.randint(10, 99)}s ============"]


def go_test(r: Random, size: int) -> list[str]:
    """A verbose Go test run."""
    lines = []
    for i in range(size // 2):
        name = f"Test{_word(r).title()}{r.choice(VERBS).title()}{i}"
        lines += [f"=== RUN   {name}", f"--- PASS: {name} ({r.randint(0, 3)}.{r.randint(10, 99)}s)"]
    return lines


def pretty_json(r: Random, size: int) -> list[str]:
    """A list of like objects, indented."""
    rows = [
        {"id": i, "status": r.choice(["ok", "queued"]), "owner": _word(r), "amount": r.randint(1, 9999)}
        for i in range(size // 6)
    ]
    return json.dumps(rows, indent=2).splitlines()


def listing(r: Random, size: int) -> list[str]:
    """`ls -la`."""
    return [f"total {size * 8}"] + [
        f"-rw-r--r-- 1 dev dev {r.randint(100, 99999):>6} Oct {r.randint(1, 30):>2} 09:{r.randint(10, 59)} "
        f"{_word(r)}_{_word(r)}_{i}.py"
        for i in range(size)
    ]


def stack_trace(r: Random, size: int) -> list[str]:
    """A deep Python stack."""
    lines = ["Traceback (most recent call last):"]
    for _ in range(size // 2):
        lines += [
            f'  File "/app/src/{_word(r)}/{_word(r)}.py", line {r.randint(1, 900)}, in {r.choice(VERBS)}_{_word(r)}',
            f"    return self.{_word(r)}.{r.choice(VERBS)}({_word(r)})",
        ]
    return lines


def service_log(r: Random, size: int) -> list[str]:
    """A service's log with times and levels."""
    return [
        f"2026-03-0{r.randint(1, 9)}T{r.randint(10, 23)}:{r.randint(10, 59)}:{r.randint(10, 59)}.{r.randint(100, 999)}Z"
        f" INFO {_word(r)}: {r.choice(VERBS)}ed {r.randint(1, 99)} {_word(r)}s in {r.randint(1, 900)}ms"
        for _ in range(size)
    ]


def grep(r: Random, size: int) -> list[str]:
    """Matches with file and line."""
    return [
        f"src/{_word(r)}/{_word(r)}.py:{r.randint(1, 900)}:    {_word(r)} = {r.choice(VERBS)}_{_word(r)}({_word(r)})"
        for _ in range(size)
    ]


def source(r: Random, size: int) -> list[str]:
    """A source file, numbered as agents' read tools number it."""
    lines = ["import json", "import logging", ""]
    while len(lines) < size:
        a, b = _word(r), _word(r)
        lines += [
            f"def {r.choice(VERBS)}_{a}({b}, {_word(r)}=None):",
            f'    """{r.choice(VERBS).title()} the {a} of a {b}."""',
            f"    if not {b}:",
            f"        return {a}.{r.choice(VERBS)}()",
            f"    for each in {b}.{_word(r)}s:",
            f"        {a}.{r.choice(VERBS)}(each)",
            f"    return {a}",
            "",
        ]
    return [f"{i + 1:>6}\t{line}" for i, line in enumerate(lines[:size])]


def cargo(r: Random, size: int) -> list[str]:
    """Crates being compiled."""
    return [
        f"   Compiling {_word(r)}-{_word(r)} v{r.randint(0, 3)}.{r.randint(0, 30)}.{r.randint(0, 9)}"
        for _ in range(size)
    ]


def kubectl(r: Random, size: int) -> list[str]:
    """Pods in a table."""
    return ["NAMESPACE   NAME                       READY   STATUS    RESTARTS   AGE"] + [
        f"{_word(r):<11} {_word(r)}-{_id(r)[:8]}-{_id(r)[:5]:<10} 1/1     Running   {r.randint(0, 4):<10} "
        f"{r.randint(1, 90)}d"
        for _ in range(size)
    ]


def csv(r: Random, size: int) -> list[str]:
    """Rows of figures."""
    return ["date,region,units,revenue"] + [
        f"2026-0{r.randint(1, 9)}-{r.randint(10, 28)},{_word(r)},{r.randint(1, 500)},{r.randint(100, 99999)}"
        for _ in range(size)
    ]


def java_trace(r: Random, size: int) -> list[str]:
    """Frames of a Java exception."""
    return [
        f"\tat com.acme.{_word(r)}.{_word(r).title()}{_word(r).title()}.{r.choice(VERBS)}"
        f"({_word(r).title()}.java:{r.randint(9, 900)})"
        for _ in range(size)
    ]


def apt(r: Random, size: int) -> list[str]:
    """Packages being unpacked."""
    lines = []
    for _ in range(size // 3):
        name = f"lib{_word(r)}-{_word(r)}{r.randint(1, 9)}"
        lines += [
            f"Selecting previously unselected package {name}:amd64.",
            f"Preparing to unpack .../{name}_{r.randint(1, 9)}.{r.randint(1, 30)}-{r.randint(1, 9)}_amd64.deb ...",
            f"Unpacking {name}:amd64 ({r.randint(1, 9)}.{r.randint(1, 30)}) ...",
        ]
    return lines


def diff(r: Random, size: int) -> list[str]:
    """A unified diff."""
    lines: list[str] = []
    while len(lines) < size:
        name = f"src/{_word(r)}/{_word(r)}.py"
        lines += [f"diff --git a/{name} b/{name}", f"--- a/{name}", f"+++ b/{name}"]
        lines += [f"@@ -{r.randint(1, 300)},6 +{r.randint(1, 300)},7 @@"]
        lines += [
            f"{r.choice(' +-')}    {_word(r)} = {_word(r)}.{r.choice(VERBS)}({_word(r)})"
            for _ in range(r.randint(4, 14))
        ]
    return lines[:size]


def prose(r: Random, size: int) -> list[str]:
    """A web page as text."""
    return [
        f"The {_word(r)} will {r.choice(VERBS)} each {_word(r)} before the {_word(r)} can {r.choice(VERBS)} it, and "
        f"the {_word(r)} stays as it is."
        for _ in range(size)
    ]


Maker = Callable[[Random, int], list[str]]
TUNED: dict[str, tuple[Maker, str, str]] = {
    "build log": (build_log, "Bash", "cmake --build build"),
    "npm log": (npm_log, "Bash", "npm install"),
    "test run": (pytest_run, "Bash", "pytest"),
    "json": (pretty_json, "WebFetch", "https://api.acme.test/orders"),
    "listing": (listing, "Bash", "ls -la src"),
    "stack trace": (stack_trace, "Bash", "python -m app"),
    "service log": (service_log, "Bash", "docker logs app"),
    "grep": (grep, "Grep", "cache"),
    "source": (source, "Read", "/app/src/main.py"),
}
HELD_OUT: dict[str, tuple[Maker, str, str]] = {
    "go test": (go_test, "Bash", "go test -v ./..."),
    "cargo": (cargo, "Bash", "cargo build"),
    "kubectl": (kubectl, "Bash", "kubectl get pods -A"),
    "csv": (csv, "Read", "/data/sales.csv"),
    "java trace": (java_trace, "Bash", "mvn verify"),
    "apt": (apt, "Bash", "apt-get install -y build-essential"),
    "diff": (diff, "Bash", "git diff main"),
    "prose": (prose, "WebFetch", "https://docs.acme.test/guide"),
}


def make_output(kind: str, seed: int, *, where: str = "middle", lines: int = 120) -> Output:
    """Build one output of a kind."""
    make, tool, argument = (TUNED | HELD_OUT)[kind]
    r = Random(f"{kind} {seed}")
    planted = planted_line(r)
    body = make(r, lines)
    if kind == "json":
        planted = f'"{_word(r)}_{_word(r)}_ref": "{r.choice("xyz")}-{_id(r)}"'
        at = {"head": 2, "middle": len(body) // 2 // 6 * 6 + 2, "end": len(body) - 5}[where]
        return Output(kind, tool, argument, "\n".join([*body[:at], f"    {planted},", *body[at:]]), planted)
    shown = f"     9\t{planted}" if kind == "source" else planted
    return Output(kind, tool, argument, _insert(r, body, shown, where), planted)
