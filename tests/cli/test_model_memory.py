"""A log by models through the command line: the two roles, their bill, and what happens when they fail."""

import json
from pathlib import Path
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.formats.source import Source
from tests.cli.test_model_summaries import OUTPUT, run

pytestmark = [pytest.mark.loopback, pytest.mark.usefixtures("closed_circuit", "chdir_tmp")]

MODELS = ("--observer-model", "gpt-4.1-nano", "--reflector-model", "gpt-4.1")
GOOD = (
    "<observations>\nDate: Mar 02, 2026\n* 🔴 (09:00) User stated that 14 customers were charged twice (BILL-2291)\n"
    "</observations>\n<current-task>Finding out why customers were charged twice.</current-task>"
)


def log_text() -> str:
    """Return the log of the output."""
    messages = formats.load(Source(Path(OUTPUT).read_bytes(), OUTPUT)).messages
    (ours,) = (message for message in messages if message.synthetic == "log")
    return ours.text


def test_each_role_has_its_model(llmock: Any) -> None:
    """Observation and reflection may be worth different models; the report names and prices them."""
    llmock.reply(GOOD, times=None)
    result = run(llmock, "openai", "--json", *MODELS, "--observer-instruction", "amounts", command="observe")
    assert result.exit_code == 0, result.stderr
    assert "* 🔴 (09:00) User stated that 14 customers were charged twice (BILL-2291)" in log_text()
    assert "Finding out why customers were charged twice." in log_text()
    assert {request.body["model"] for request in llmock.requests} == {"gpt-4.1-nano"}
    assert "Look most at this: amounts" in json.dumps(llmock.last_request.body)
    report = json.loads(result.stdout)
    assert report["summarizer"] == "openai gpt-4.1-nano"
    assert report["summary_cost"]["model"] == "gpt-4.1-nano"
    assert report["summary_cost"]["usd"] > 0


def test_a_small_log_threshold_asks_the_reflector(llmock: Any) -> None:
    """What has grown is condensed by the other model."""
    llmock.reply(GOOD, times=None)
    result = run(llmock, "openai", *MODELS, "--reflection", "0.00001", command="observe")
    assert result.exit_code == 0, result.stderr
    assert {request.body["model"] for request in llmock.requests} == {"gpt-4.1-nano", "gpt-4.1"}


def test_an_outage_falls_back_to_the_builtin_log(llmock: Any) -> None:
    """The session is compacted when the provider is down, and the report says by whom."""
    llmock.outage()
    result = run(llmock, "openai", "--json", *MODELS, command="observe")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["summarizer"].startswith("builtin (model failed: HTTP 503")
    assert report["warnings"]
    assert "User: " in log_text()


def test_without_a_fallback_nothing_leaves(llmock: Any) -> None:
    """No message goes whose observation is not in the log."""
    llmock.outage()
    result = run(llmock, "openai", "--json", *MODELS, "--fallback", "none", command="observe")
    report = json.loads(result.stdout)
    assert report["output"]["tokens"] == report["input"]["tokens"]
    assert report["warnings"]


def test_a_model_without_an_api_is_refused() -> None:
    """Nothing is sent anywhere that nobody named."""
    result = run("http://127.0.0.1:9", "builtin", "--observer-model", "x", command="observe")
    assert result.exit_code == 2
    assert "--observer-model" in result.stderr
    assert "hint: give --summarizer openai or anthropic" in result.stderr
