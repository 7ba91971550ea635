"""Summaries by a model through the command line, against a server that fails as providers do."""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from cortex_cli import formats, marks
from cortex_cli.formats.source import Source
from cortex_cli.summarizers.ledger import parse_ledger
from tests.cli.command import ROOT, SAMPLES, cortex, spawn

pytestmark = [pytest.mark.loopback, pytest.mark.usefixtures("closed_circuit")]

KEY = "sk-test-5ecret0123456789abcdefghijklmnop"
SOURCE = SAMPLES / "openai.jsonl"
GOOD = (
    "<analysis>think</analysis><summary>## Primary request and intent\n14 customers were charged twice (BILL-2291).\n"
    "## Key decisions\nThe idempotency key is `invoice-<number>`; port 8473 stays.</summary>"
)
MODELS = {"openai": "gpt-4o-mini", "anthropic": "claude-sonnet-4-5", "builtin": ""}
OUTPUT = "out.jsonl"
PROVIDERS = ("openai", "anthropic")


def run(
    server: Any, provider: str, *more: object, command: str = "summarize", env: Mapping[str, str] | None = None
) -> Result:
    """Summarise the sample with a model; the key must never show."""
    url = server if isinstance(server, str) else server.base_url(provider)
    options = ["--summarizer", provider, "--llm-url", url, "--llm-model", MODELS[provider], "--llm-key-env", "MY_KEY"]
    options += ["--retry-delay", "0", "--timeout", "2", "--now", "2026-03-04T00:00:00Z"]
    result = cortex(command, SOURCE, "-o", OUTPUT, *options, *more, env={"MY_KEY": KEY, **(env or {})})
    written = Path(OUTPUT).read_text() if Path(OUTPUT).exists() else ""
    assert KEY not in result.stdout + result.stderr + written
    assert "Traceback" not in result.stderr
    return result


def summary_of(path: str = OUTPUT) -> marks.Summary:
    """Return the one summary of an output."""
    messages = formats.load(Source(Path(path).read_bytes(), path)).messages
    (ours,) = (message for message in messages if message.synthetic == "summary")
    summary = marks.parse_summary(ours.text)
    assert summary is not None
    return summary


@pytest.mark.usefixtures("chdir_tmp")
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("command", ["summarize", "compact"])
def test_a_good_answer_is_written_with_tags_and_ledger(llmock: Any, provider: str, command: str) -> None:
    """From the model to the file, with usage and price in the report."""
    llmock.reply(GOOD, times=None)
    result = run(llmock, provider, "--json", "--window", "20k", command=command)
    assert result.exit_code == 0, result.stderr
    summary = summary_of()
    assert summary.text.startswith("## Primary request and intent\n14 customers")
    assert parse_ledger(summary.text)
    assert "think" not in summary.text
    report = json.loads(result.stdout)
    assert report["summarizer"] == f"{provider} {MODELS[provider]}"
    bill = report["summary_cost"]
    assert bill["model"] == MODELS[provider]
    assert bill["calls"] == 1
    assert bill["input_tokens"] > 0
    assert bill["usd"] > 0
    assert report["warnings"] == []


@pytest.mark.usefixtures("chdir_tmp")
def test_the_report_for_people_says_who_wrote_it_and_what_it_cost(llmock: Any) -> None:
    """One quiet line."""
    llmock.reply(GOOD, times=None)
    result = run(llmock, "openai")
    (line,) = (one for one in result.stderr.splitlines() if "summary by" in one)
    assert "openai gpt-4o-mini" in line
    assert "1 call" in line


@pytest.mark.usefixtures("chdir_tmp")
@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_outage_falls_back_with_one_warning(llmock: Any, provider: str) -> None:
    """The work is done, and nobody can take it for the model's."""
    llmock.outage()
    result = run(llmock, provider, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["summarizer"].startswith("builtin (model failed: HTTP 503")
    assert len(report["warnings"]) == 1
    assert [event["event"] for event in report["events"]] == ["error"] * 3
    assert "8473" in summary_of().text


@pytest.mark.usefixtures("chdir_tmp")
def test_strict_stops_and_writes_nothing(llmock: Any) -> None:
    """Who asked for the model's summary gets no other."""
    llmock.outage()
    result = run(llmock, "openai", "--strict")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: model failed: HTTP 503")
    assert len(result.stderr.splitlines()) == 2
    assert not Path(OUTPUT).exists()


@pytest.mark.usefixtures("chdir_tmp")
@pytest.mark.parametrize(
    ("window", "event"), [("24k", "degraded"), ("29k", "exhausted")], ids=["degraded", "exhausted"]
)
def test_without_a_fallback_it_is_said_what_acted(llmock: Any, window: str, event: str) -> None:
    """Either the failsafe dropped turns, or the conversation is still too large."""
    llmock.outage()
    layers = "summary,failsafe"
    result = run(
        llmock, "openai", "--fallback", "none", "--json", "--window", window, "--layers", layers, command="compact"
    )
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert [one["event"] for one in report["events"]] == ["error", "error", "error", event]
    assert report["summarizer"].startswith("none (model failed")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--summarizer", "opnai"], "openai"),
        (["--summarizer", "openai"], "needs a model"),
        (["--summarizer", "openai", "--llm-model", "m"], "no API key in $OPENAI_API_KEY"),
        (["--summarizer", "anthropic", "--llm-model", "m", "--llm-key-env", "NONE"], "no API key in $NONE"),
        (["--summarizer", "openai", "--llm-model", "m", "--llm-url", "localhost:8080/v1"], "is no URL"),
        (["--summarizer", "openai", "--llm-model", "m", "--llm-key-env", "BROKEN"], "cannot be an API key"),
        (["--summarizer", "command"], "needs a program"),
        (["--summarizer", "command", "--llm-command", "echo 'half"], "no command line"),
    ],
)
def test_bad_model_options_end_with_2(chdir_tmp: Path, options: list[str], says: str) -> None:
    """What cannot work is said before anything is read or sent, in two lines."""
    result = cortex("summarize", SOURCE, "-o", OUTPUT, *options, env={"BROKEN": f"{KEY}\nx", "OPENAI_API_KEY": ""})
    assert result.exit_code == 2
    assert says in result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert result.stderr.splitlines()[1].startswith("hint: ")
    assert KEY not in result.stderr
    assert list(chdir_tmp.iterdir()) == []


@pytest.mark.usefixtures("chdir_tmp")
@pytest.mark.parametrize(
    ("url", "says"), [("http://127.0.0.1:1/v1", "cannot connect"), ("TLS", "no secure connection")]
)
def test_unreachable_servers_fall_back_with_a_hint(llmock: Any, url: str, says: str) -> None:
    """A port that is closed, and TLS spoken to a server that has none."""
    if url == "TLS":
        url = llmock.base_url("openai").replace("http://", "https://me:userinfo-pw@")
    result = run(url, "openai", "--json")
    assert result.exit_code == 0
    (warning,) = json.loads(result.stdout)["warnings"]
    assert says in warning
    assert "(check " in warning
    assert "userinfo-pw" not in result.stdout + result.stderr


@pytest.mark.usefixtures("chdir_tmp")
def test_a_missing_command_falls_back_without_showing_its_arguments() -> None:
    """Keys are given to programs as arguments too."""
    command = f"no-such-program --key {KEY}"
    result = cortex("summarize", SOURCE, "-o", OUTPUT, "--json", "--summarizer", "command", "--llm-command", command)
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert "cannot run 'no-such-program'" in report["summarizer"]
    assert KEY not in result.stdout + result.stderr


@pytest.mark.usefixtures("chdir_tmp")
def test_a_server_that_repeats_the_key_does_not_bring_it_to_light(llmock: Any) -> None:
    """Some refusals quote the key they were given."""
    llmock.fail(401, times=None, message=f"Incorrect API key provided: {KEY}")
    result = run(llmock, "openai", "--json", "-v")
    assert "HTTP 401" in json.loads(result.stdout)["summarizer"]


@pytest.mark.usefixtures("chdir_tmp")
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("more", [(), ("--fit", "6k"), ("--focus", "the port", "--no-redact")], ids=str)
def test_print_prompt_is_exactly_what_is_sent(llmock: Any, provider: str, more: tuple[str, ...]) -> None:
    """Whoever reviews it must be able to rely on it."""
    llmock.reply(GOOD, times=None)
    printed = run(llmock, provider, *more, "--print-prompt")
    assert printed.exit_code == 0
    assert llmock.requests == []
    assert not Path(OUTPUT).exists()
    run(llmock, provider, *more)
    body = llmock.requests[0].body
    system = body.get("system") or body["messages"][0]["content"]
    assert printed.stdout == f"{system}\n\n{body['messages'][-1]['content']}\n"


@pytest.mark.usefixtures("chdir_tmp")
def test_a_reviewed_summary_is_installed_and_a_bad_one_refused() -> None:
    """The same checks for everybody; nothing is written on a refusal."""
    good, bad = Path("good.md"), Path("bad.md")
    good.write_text(GOOD)
    bad.write_text("The same line again.\n" * 9)
    refused = cortex("summarize", SOURCE, "-o", OUTPUT, "--summary-file", bad)
    assert refused.exit_code == 2
    assert "repeats itself" in refused.stderr
    assert not Path(OUTPUT).exists()
    assert cortex("summarize", SOURCE, "-o", OUTPUT, "--summary-file", good).exit_code == 0
    first = summary_of()
    assert first.text.startswith("## Primary request and intent\n14 customers")
    good.write_text(marks.summary_text(first))  # as it is copied out of an output
    assert cortex("summarize", SOURCE, "-o", OUTPUT, "--force", "--summary-file", good).exit_code == 0
    assert summary_of().text == first.text
    model = ("--summarizer", "openai", "--llm-url", "http://127.0.0.1:9/v1", "--llm-model", "m", "--print-prompt")
    for options in (("--summary-file", "none.md"), (*model, "--prompt-file", "none.md")):
        missing = cortex("summarize", SOURCE, *options)
        assert missing.exit_code == 2
        error, hint = missing.stderr.splitlines()
        assert error.startswith("error: none.md: cannot read")
        assert hint.startswith("hint: check")


@pytest.mark.usefixtures("chdir_tmp")
def test_more_lost_facts_than_allowed_are_an_error(llmock: Any) -> None:
    """The first lost one is named, and nothing is written."""
    llmock.reply(GOOD, times=None)
    result = run(llmock, "openai", "--summary-max", "200", "--max-lost-facts", "0")
    assert result.exit_code == 1
    assert "facts would be lost, 0 are allowed" in result.stderr
    assert not Path(OUTPUT).exists()
    assert run(llmock, "openai", "--summary-max", "200", "--max-lost-facts", "999").exit_code == 0


@pytest.mark.usefixtures("chdir_tmp")
def test_a_command_gets_the_prompt_and_gives_the_summary() -> None:
    """Any program can be the model."""
    script = Path("model.py")
    script.write_text(
        "import sys\nprompt = sys.stdin.read()\nassert '<transcript>' in prompt\n"
        "print('<summary>## Current work\\nRead', len(prompt) > 1000, 'and wrote this; port 8473 stays.</summary>')\n"
    )
    command = f"{sys.executable} {script}"
    result = cortex("summarize", SOURCE, "-o", OUTPUT, "--summarizer", "command", "--llm-command", command)
    assert result.exit_code == 0
    assert summary_of().text.startswith("## Current work\nRead True and wrote this")


class Stalling(http.server.BaseHTTPRequestHandler):
    """Begins an answer and never goes on."""

    asked = threading.Event()
    over = threading.Event()

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""

    def do_POST(self) -> None:
        """Send the first piece, and wait for the end of the test."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b'data: {"choices":[{"delta":{"content":"<summary>The first "}}]}\n\n')
        self.wfile.flush()
        self.asked.set()
        self.over.wait(60)


@pytest.fixture
def stalling() -> Iterator[str]:
    """Serve on loopback; return the URL."""
    Stalling.asked.clear()
    Stalling.over.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stalling) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        Stalling.over.set()
        server.shutdown()


@pytest.mark.parametrize("options", [["-o", OUTPUT], ["--in-place"]], ids=["output", "in-place"])
def test_an_interrupt_in_the_middle_of_a_stream_harms_nothing(
    chdir_tmp: Path, stalling: str, options: list[str]
) -> None:
    """Exit 130, input unharmed, nothing half-written, no backup left."""
    source = chdir_tmp / "session.jsonl"
    source.write_bytes(SOURCE.read_bytes())
    command = [sys.executable, "-m", "cortex_cli", "summarize", str(source), *options, "--summarizer", "openai"]
    command += ["--llm-url", stalling, "--llm-model", "gpt-4o-mini", "--llm-key-env", "MY_KEY", "--timeout", "60"]
    env = {"PATH": os.environ["PATH"], "HOME": str(chdir_tmp), "PYTHONPATH": str(ROOT), "MY_KEY": KEY}
    process = subprocess.Popen(command, cwd=chdir_tmp, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert Stalling.asked.wait(30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert KEY.encode() not in out + err
    assert source.read_bytes() == SOURCE.read_bytes()
    assert [path.name for path in chdir_tmp.iterdir()] == ["session.jsonl"]


@pytest.mark.usefixtures("chdir_tmp")
def test_without_a_named_model_nothing_is_asked(llmock: Any) -> None:
    """A URL and a key in the environment are no permission."""
    env = {"OPENAI_API_KEY": KEY, "CORTEX_LLM_URL": llmock.base_url("openai"), "CORTEX_LLM_MODEL": "gpt-4o-mini"}
    result = spawn("summarize", SOURCE, "-o", OUTPUT, "--json", env=env)
    assert json.loads(result.stdout)["summarizer"] == "builtin"
    assert llmock.requests == []
