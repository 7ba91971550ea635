"""The shape of the code: who may import whom, who may print, how long things may be.

Rules of DESIGN section 2 and of the guide to habits that no linter knows.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import cortex_cli
from cortex_cli.cli.main import ENTRIES
from cortex_cli.cli.options import load_command
from cortex_cli.settings import knobs

PACKAGE = Path(cortex_cli.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
CLI = PACKAGE / "cli"

LEVELS = (
    {"clock", "data", "errors", "messages", "jsonedit", "jsonscan", "sqlite", "version"},
    {
        "knobs",
        "presets",
        "settings",
        "settings_load",
        "tokens",
        "cache",
        "models",
        "costs",
        "marks",
        "typed",
        "report",
        "files",
        "packing",
        "compressors",
        "temporary_files",
        "zipped_logs",
        "groups",
        "seams",
        "growing",
    },
    {"validity"},
    {"repair"},
    {"formats", "llm", "prompts", "archive"},
    {"summarizers", "memory", "layers"},
    {"compaction"},  # and every room that stands in no level
    {"stores", "batch", "integrations"},
    {"cortex_cli"},
    {"cli", "__main__"},
)
"""Rooms, lowest first; a room imports from its own level and from those below."""

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def room_of(module: str) -> str:
    """Return the room of a dotted module name: the first name below the package, or the package itself."""
    names = module.split(".")
    return names[1] if len(names) > 1 else "cortex_cli"


def level_of(room: str) -> int:
    """Return the level of a room."""
    found = [level for level, rooms in enumerate(LEVELS) if room in rooms]
    return found[0] if found else level_of("compaction")


def name_of(path: Path) -> str:
    """Return the dotted name of a file of the package."""
    names = ("cortex_cli", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


def tree_of(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_bytes())


@cache
def imports_of(path: Path) -> tuple[tuple[str, int], ...]:
    """Return (dotted name of what is imported, line), imports inside functions too."""
    return tuple(_imports(tree_of(path), path))


def _imports(tree: ast.Module, path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield from ((_target(node.module or "", alias.name), node.lineno) for alias in node.names)


def _target(module: str, name: str) -> str:
    """`from cortex_cli import formats` imports the room formats, `from cortex_cli.groups import turns` the module."""
    path = PACKAGE.joinpath(*module.split(".")[1:], name)
    is_module = module.startswith("cortex_cli") and (path.is_dir() or path.with_suffix(".py").is_file())
    return f"{module}.{name}" if is_module else module


def each_module(paths: list[Path]) -> pytest.MarkDecorator:
    """Run a test for every file, named after it."""
    return pytest.mark.parametrize("path", paths, ids=[str(path.relative_to(PACKAGE)) for path in paths])


@each_module(MODULES)
def test_imports_go_one_way(path: Path) -> None:
    """A low room that knows a high one cannot be used without it."""
    own = level_of(room_of(name_of(path)))
    upward = [
        f"{path}:{line} imports {target}"
        for target, line in imports_of(path)
        if target.startswith("cortex_cli") and level_of(room_of(target)) > own
    ]
    assert upward == []


def test_no_import_cycles() -> None:
    """Modules that need each other are one module in two files."""
    names = {name_of(path) for path in MODULES}
    graph = {name_of(path): {one for one, _ in imports_of(path) if one in names} for path in MODULES}
    while leaves := {name for name, needs in graph.items() if not needs & graph.keys() - {name}}:
        graph = {name: needs for name, needs in graph.items() if name not in leaves}
    assert graph == {}


@each_module([path for path in MODULES if CLI not in path.parents])
def test_only_the_command_line_knows_the_terminal(path: Path) -> None:
    """A library that prints, reads the environment or imports Typer cannot be used in somebody else's program."""
    assert not {name.split(".")[0] for name, _ in imports_of(path)} & {"typer", "rich", "click"}
    nodes = list(ast.walk(tree_of(path)))
    called = {dotted(node.func) for node in nodes if isinstance(node, ast.Call)}
    assert not called & {"print", "input", "os.getenv"}
    attributes = {dotted(node) for node in nodes if isinstance(node, ast.Attribute)}
    assert not attributes & {"os.environ", "sys.stdout", "sys.stderr", "sys.argv"}


def dotted(node: ast.expr) -> str:
    """Return `name` or `owner.name` as it is written; nothing for what is longer."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return f"{owner}.{name}"
    return ""


def test_nobody_imports_click() -> None:
    """Typer carries its own; errors of the other one end in a traceback."""
    assert not [path for path in MODULES for name, _ in imports_of(path) if name.split(".")[0] == "click"]


ADVISED = {
    "InputError",
    "TranscriptError",
    "UnknownFormatError",
    "OptionError",
    "ArchiveError",
    "StoreError",
    "OutputError",
}
"""Errors of a user's input and options: `cortex_cli.errors`."""


@each_module(MODULES)
def test_errors_say_how_to_mend_them(path: Path) -> None:
    """One line says what and where, one says what to do."""
    raised = [
        one.exc for one in ast.walk(tree_of(path)) if isinstance(one, ast.Raise) and isinstance(one.exc, ast.Call)
    ]
    assert not [
        f"line {one.lineno}"
        for one in raised
        if dotted(one.func) in ADVISED and "hint" not in {keyword.arg for keyword in one.keywords}
    ]


@each_module(MODULES)
def test_files_and_functions_are_short(path: Path) -> None:
    """What does not fit on a few screens is not read. A function's docstring does not count."""
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES
    functions = [one for one in ast.walk(tree_of(path)) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [f"{one.name}: {lines}" for one in functions if (lines := length_of(one)) > MAX_FUNCTION_LINES] == []


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function without its docstring."""
    first = function.body[0]
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def test_files_are_named_after_what_they_hold() -> None:
    """A file for everything grows without end."""
    assert not [path for path in MODULES if path.stem in ("utils", "util", "helpers", "common", "misc")]


def test_every_setting_has_a_flag_of_some_command() -> None:
    """A setting that cannot be given on the command line is forgotten there."""
    offered = {flag for entry in ENTRIES for option in load_command(entry.name).params for flag in option.opts}
    assert [knob.key for knob in knobs() if knob.flag.split("/")[0] not in offered] == []


def test_public_names_are_what_they_claim() -> None:
    """`__all__` is the contract with users of the library: sorted, true, complete."""
    public = list(cortex_cli.__all__)
    assert public == sorted(public)
    assert [name for name in public if not hasattr(cortex_cli, name)] == []
    assert typed_names(PACKAGE / "__init__.py") == set(public)


def test_a_public_name_is_not_hidden_by_a_module() -> None:
    """Importing `cortex_cli.compaction` must leave `cortex_cli.compact` the function it is."""
    assert [name for name in cortex_cli.__all__ if (PACKAGE / f"{name}.py").exists() or (PACKAGE / name).is_dir()] == []


def typed_names(path: Path) -> set[str]:
    """Return the names that the package imports for type checkers; at run time they come one by one."""
    blocks = [node for node in tree_of(path).body if isinstance(node, ast.If)]
    nodes = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in nodes for alias in node.names}
