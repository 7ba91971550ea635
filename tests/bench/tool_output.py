"""What the tools of a coding agent print: files, edits, test runs, builds, searches, diffs, JSON, stack traces."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

_WORDS = (
    "account archive batch branch buffer cache channel client column commit config cursor customer deploy driver "
    "entry event export field filter gateway handler header import index invoice item journal key ledger limit "
    "listener lock manager merge message module network notice offset option order packet parser payment pool queue "
    "record region request result retry route sample schema scope segment server session shard signal source stage "
    "status storage stream switch table task thread ticket token tracker user value vendor version view worker"
)
VOCABULARY = tuple(_WORDS.split())

FOLDERS = ("api", "core", "billing", "jobs", "web")
LINES_PER_FILE = (60, 400)


class Run(NamedTuple):
    """One call of a tool and what came of it."""

    tool: str
    arguments: dict[str, Any]
    output: str
    details: Any
    """What Claude Code keeps beside the message (`toolUseResult`)."""
    failed: bool = False


class Tools:
    """A small code base and the tools that work on it.

    Args:
        source: Of all chance.
        cwd: Where the code base lies.
        share: How long files and outputs are, of what they are usually.
    """

    def __init__(self, source: random.Random, cwd: str, share: float = 1.0) -> None:
        self.random = source
        self.cwd = cwd
        self.share = share
        self.files = {f"src/{folder}/{name}.py": self.code(name) for folder in FOLDERS for name in VOCABULARY[::9]}
        self.names = list(self.files)
        self.kinds: list[Callable[[], Run]] = [self.read] * 6 + [self.edit] * 5 + [self.grep] * 3 + [self.todo]
        self.kinds += [self.tests] * 3 + [self.build, self.diff, self.listing, self.fetch, self.crash]

    def run(self) -> Run:
        """Call one tool, the usual ones more often."""
        return self.random.choice(self.kinds)()

    def words(self, about: int) -> str:
        """Return prose of about that many words."""
        count = self.random.randint(about // 2, about * 3 // 2)
        picked = self.random.choices(VOCABULARY, k=count)
        return " ".join(picked).capitalize() + "."

    def code(self, name: str) -> list[str]:
        """Return the lines of a module."""
        lines = [f'"""The {name} of the shop."""', "", "import json", ""]
        size = self.lines(*LINES_PER_FILE)
        while len(lines) < size:
            a, b, c = self.random.choices(VOCABULARY, k=3)
            number = self.random.randint(2, 999)
            lines += [
                f"def {a}_{b}_{number}({c}: str, {b}_id: int = {number}) -> dict:",
                f'    """Return the {a} of a {c}."""',
                f"    {a} = self.{b}.get({c}, {number})",
                f"    if len({a}) > {number * 3}:",
                f'        raise ValueError(f"{a} {{{c}}} is over {number}")',
                f'    return {{"{a}": {a}, "{c}": {number * 7}}}',
                "",
            ]
        return lines

    def read(self) -> Run:
        name, lines = self._file()
        numbered = "\n".join(f"{number:>6}\t{line}" for number, line in enumerate(lines, 1))
        path = f"{self.cwd}/{name}"
        details = {"type": "text", "file": {"filePath": path, "content": "\n".join(lines), "numLines": len(lines)}}
        return Run("Read", {"file_path": path}, numbered, details)

    def edit(self) -> Run:
        name, lines = self._file()
        at = self.random.randrange(4, len(lines) - 4)
        old, new = lines[at : at + 2], self.code("edit")[5:8]
        before = "\n".join(lines)
        lines[at : at + 2] = new
        arguments = {"file_path": f"{self.cwd}/{name}", "old_string": "\n".join(old), "new_string": "\n".join(new)}
        shown = "\n".join(f"{number:>6}\t{line}" for number, line in enumerate(lines[at - 3 : at + 6], at - 2))
        patch = [{"oldStart": at, "newStart": at, "lines": [f"-{line}" for line in old] + [f"+{line}" for line in new]}]
        details = {"filePath": name, "originalFile": before, "structuredPatch": patch, "userModified": False}
        return Run("Edit", arguments, f"The file {name} has been updated. It now reads:\n{shown}", details)

    def grep(self) -> Run:
        hits = []
        for _ in range(self.lines(10, 140)):
            name, lines = self._file()
            at = self.random.randrange(len(lines))
            hits.append(f"{name}:{at + 1}:{lines[at]}")
        output = "\n".join(hits)
        return Run("Grep", {"pattern": self.word(), "output_mode": "content"}, output, {"content": output})

    def tests(self) -> Run:
        lines = ["============ test session starts ============", f"rootdir: {self.cwd}", ""]
        for number in range(self.lines(15, 60)):
            lines.append(f"tests/test_{self.word()}_{number}.py {'.' * self.random.randint(4, 60)} [{number:>3}%]")
        failed = self.random.random() < 0.4
        for _ in range(self.random.randint(1, 4) if failed else 0):
            name, got = self.word(), self.random.randint(1, 99)
            lines += [
                f"____________ test_{name}_total ____________",
                f">       assert {name} == {got + 1}",
                f"E       AssertionError: assert {got} == {got + 1}",
                f"{self.random.choice(self.names)}:{got}: AssertionError",
            ]
        lines.append(
            f"==== {int(failed)} failed, {self.random.randint(80, 400)} passed in {got_seconds(self.random)}s ===="
        )
        return self._bash("pytest -q", "\n".join(lines), failed=failed)

    def build(self) -> Run:
        lines = []
        for number in range(self.lines(60, 250)):
            package = f"{self.word()}-{self.word()}@{number % 9}.{number % 20}.1"
            lines.append(f"\x1b[32m[{number}/400]\x1b[0m fetching {package} {got_seconds(self.random)}s")
        return self._bash("npm install", "\n".join(lines))

    def diff(self) -> Run:
        name, lines = self._file()
        shown = [f"diff --git a/{name} b/{name}", f"--- a/{name}", f"+++ b/{name}"]
        for _ in range(self.random.randint(2, 8)):
            at = self.random.randrange(len(lines) - 6)
            shown.append(f"@@ -{at},6 +{at},6 @@")
            shown += [f"{sign}{line}" for sign, line in zip("  -+  ", lines[at : at + 6], strict=True)]
        return self._bash("git diff", "\n".join(shown))

    def listing(self) -> Run:
        rows = [
            f"-rw-r--r-- 1 dev dev {self.random.randint(100, 99_999):>6} Mar  2 09:17 {self.word()}_{number}.py"
            for number in range(self.random.randint(5, 60))
        ]
        return self._bash(f"ls -la src/{self.word()}", "\n".join(rows))

    def fetch(self) -> Run:
        rows = [
            {"id": number, "status": self.random.choice(("ok", "ok", "error")), "owner": self.word(), "notes": None}
            for number in range(self.lines(30, 150))
        ]
        return self._bash("curl -s localhost:8473/orders", orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())

    def crash(self) -> Run:
        lines = ["Traceback (most recent call last):"]
        for _ in range(self.random.randint(5, 25)):
            name, line = self.random.choice(self.names), self.random.randint(1, 300)
            lines.append(f'  File "{self.cwd}/{name}", line {line}, in {self.word()}')
            lines.append(f"    {self.word()}.{self.word()}()")
        lines.append(f"shop.errors.LockError: lock held by pid {self.random.randint(100, 9999)}")
        return self._bash("python -m shop.migrate", "\n".join(lines), failed=True)

    def todo(self) -> Run:
        todos = [{"content": self.words(6), "status": "pending", "activeForm": self.words(5)} for _ in range(5)]
        return Run("TodoWrite", {"todos": todos}, "Todos have been modified successfully.", {"newTodos": todos})

    def lines(self, least: int, most: int) -> int:
        """Return how many lines something has."""
        return self.random.randint(round(least * self.share), round(most * self.share))

    def word(self) -> str:
        """Return one word."""
        return self.random.choice(VOCABULARY)

    def _file(self) -> tuple[str, list[str]]:
        name = self.random.choice(self.names)
        return name, self.files[name]

    def _bash(self, command: str, output: str, *, failed: bool = False) -> Run:
        details: Any = f"Error: {output}" if failed else {"stdout": output, "stderr": "", "interrupted": False}
        return Run("Bash", {"command": command, "description": self.words(4)}, output, details, failed)


def got_seconds(source: random.Random) -> str:
    """Return a duration as tools print it."""
    return f"{source.random() * 40:.2f}"
