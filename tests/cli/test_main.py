"""The command `cortex` itself: what it lists, how fast it starts, how it ends."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import cortex_cli
from cortex_cli.cli.main import ENTRIES, Entry
from cortex_cli.cli.options import load_command
from cortex_cli.settings import knobs
from tests.cli.command import ROOT, SAMPLES, SMALL, cortex, spawn

NAMES = [entry.name for entry in ENTRIES]


def test_version() -> None:
    """Bug reports begin with it."""
    result = cortex("--version")
    assert (result.exit_code, result.stdout) == (0, f"cortex {cortex_cli.__version__}\n")


def test_without_arguments_the_help_is_shown() -> None:
    """The first thing that anybody types."""
    result = cortex()
    assert result.exit_code == 2
    assert "Usage: " in result.output
    assert result.stderr.count("error") == 0


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_the_list_of_commands_says_what_the_commands_say(entry: Entry) -> None:
    """The list stands apart from the commands so that showing it imports none of them."""
    command = load_command(entry.name)
    assert command.help is not None
    assert command.help.split("\n")[0] == entry.help
    assert entry.help in cortex("--help").stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_a_help(name: str) -> None:
    """An option nobody explains is one nobody uses."""
    result = cortex(name, "--help")
    assert result.exit_code == 0
    assert all(parameter.help for parameter in load_command(name).params)
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_every_setting_has_its_flag() -> None:
    """A setting that only a file can set would be a secret."""
    taken = {
        name
        for entry in ENTRIES
        for one in load_command(entry.name).params
        for name in (*one.opts, *one.secondary_opts)
    }
    for knob in knobs():
        assert set(knob.flag.split("/")) <= taken


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--bogus"], "no such option: --bogus", "cortex --help"),
        (["compcat"], "no such command 'compcat'", "did you mean 'compact'?"),
        (["compact", "--windw", "3"], "no such option: --windw", "--window"),
        (["compact", "--window"], "option '--window' requires an argument", "--help"),
        (["diff", "a"], "missing argument 'B'", "diff --help"),
        (["stats", "a", "b"], "got unexpected extra argument", "stats --help"),
        (["compact", "--window", "0", "x"], "--window: '0' is out of range", "tokens: 1 or more"),
        (["compact", "--fit", "many", "x"], "--fit: 'many' is not a number", "30%"),
        (["compact", "--layers", "cap,mikro"], "unknown name 'mikro'", "'micro'"),
        (["compact", "--report", "html", "x"], "unknown form 'html'", "rich"),
        (["compact", "--report-file", "r.txt", "x"], "does not end in .json", "NAME.html"),
        (["compact", "--in-place", "--fork", "x"], "--in-place --fork: a result goes to one place", "give one"),
        (["compact", "--config", "none.toml", "x"], "none.toml: no such file", "check the path"),
        (["stats", "--top", "x", "y"], "--top: 'x' is not a whole number", "0 or more"),
        (["batch", "."], "a batch must know where its results go", "-o DIR"),
        (["check", "-o", "x", "y"], "nothing is written without --fix", "--fix"),
        (["models", "no-such-model-at-all"], "no model 'no-such-model-at-all' is known", "cortex models"),
    ],
)
@pytest.mark.usefixtures("chdir_tmp")
def test_wrong_use_is_two_lines_and_code_2(arguments: list[str], message: str, hint: str) -> None:
    """What is wrong, and how to mend it; never a traceback."""
    result = cortex(*arguments)
    error, advice = result.stderr.splitlines()
    assert result.exit_code == 2
    assert result.stdout == ""
    assert error.startswith("error: ")
    assert message in error
    assert advice.startswith("hint: ")
    assert hint in advice


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["compact", "--help"], ["config"]])
def test_start_up_imports_nothing_slow(arguments: list[str]) -> None:
    """Shell completion and scripts start the program again and again."""
    code = "import sys; sys.argv = ['cortex', *sys.argv[1:]]\ntry:\n from cortex_cli.cli.main import run; run()\n"
    code += "finally: print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True)
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    slow = {"pydantic", "tiktoken", "toktok_rs", "orjson", "httpx", "genai_prices", "regex", "asyncio", "markdown_it"}
    assert not loaded & (slow if arguments == ["config"] else slow | {"rich"})


def test_version_takes_little_time() -> None:
    """A tenth of a second of processor time, of which half is Typer; the promise is two."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(3):
        assert spawn("--version").returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert used / 3 < 0.2


def test_as_a_module() -> None:
    """`python -m cortex_cli` works where the script is not on the path."""
    assert spawn("--version").stdout.decode() == f"cortex {cortex_cli.__version__}\n"


def test_a_reader_that_leaves_early_ends_it_quietly() -> None:
    """`cortex show x | head` is no error to talk about."""
    command = f"{sys.executable} -m cortex_cli show -v {SAMPLES / 'openai.jsonl'} | head -n 1"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_a_full_disk_behind_standard_output_is_an_error() -> None:
    """A redirection that loses the result must not look like success."""
    with Path("/dev/full").open("wb") as full:
        done = spawn(
            "compact", SAMPLES / "openai.jsonl", *SMALL, "-o", "-", stdout=full, stderr=-1, capture_output=False
        )
    assert done.returncode == 1
    assert b"error: standard output cannot be written: No space left" in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_interrupt_ends_with_130_and_without_a_word(tmp_path: Path) -> None:
    """Ctrl-C is a wish, not a failure; a half-read pipe is where it happens most."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cortex_cli", "compact", "-o", str(tmp_path / "out")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(b'{"role":"user"')
    process.stdin.flush()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert list(tmp_path.iterdir()) == []
    for stream in (process.stdin, process.stdout, process.stderr):
        assert stream is not None
        stream.close()


def test_closed_streams_are_borne() -> None:
    """Daemons start programs without standard streams."""
    command = f"{sys.executable} -m cortex_cli compact {SAMPLES / 'openai.jsonl'} -n <&- >&- 2>&-"
    assert subprocess.run(["bash", "-c", command], cwd=ROOT, env={**os.environ}).returncode == 0


def test_config_tells_where_each_value_comes_from(chdir_tmp: Path) -> None:
    """The answer to "why does it do that?"."""
    (chdir_tmp / "cortex.toml").write_text("window = 50_000\n")
    result = cortex("config", "--fit", "30%", "--json", env={"CORTEX_MODEL": "gpt-5"})
    listed = {entry["key"]: entry for entry in json.loads(result.stdout)["settings"]}
    assert listed.keys() == {"preset", *(knob.key for knob in knobs())}
    assert (listed["window"]["value"], listed["window"]["origin"]) == (50_000, f"{chdir_tmp}/cortex.toml:1")
    assert (listed["fit"]["value"], listed["fit"]["origin"]) == ("30%", "--fit")
    assert (listed["model"]["value"], listed["model"]["origin"]) == ("gpt-5", "CORTEX_MODEL")
    assert listed["budget"]["origin"] == "default"
    people = cortex("config", env={"CORTEX_MODEL": "gpt-5"}).stdout
    assert "CORTEX_MODEL" in people
    assert str(chdir_tmp / "cortex.toml") in people.replace("\n", "")  # a long path goes over two lines
