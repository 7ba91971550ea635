"""What was written, read by the formats' own packages: they accept it, and see the conversation that we see.

`make test-formats-libs` installs them into an environment of their own; some want a newer Python than the project.
"""

import importlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cortex_cli import event_folders, formats, load_all, packing
from cortex_cli.compaction import compact
from cortex_cli.errors import DoesNotFitError
from cortex_cli.formats.source import Source
from cortex_cli.messages import Message, Transcript
from cortex_cli.settings import Settings
from tests.adk_sessions import REPLAYED
from tests.conftest import PROJECT, filler, notice
from tests.hostile import SOUND
from tests.roundtrip import dump, load
from tests.writers import WRITERS

pytestmark = [pytest.mark.libraries, pytest.mark.filterwarnings("ignore")]

FOLDER = PROJECT.parent / "shared" / "transcripts"
SUMMARY = Settings(window=16_000, tokenizer="heuristic", layers=("summary",), threshold=0.0, keep_recent_messages=2)
WAYS: tuple[Settings, ...] = (
    Settings(window=16_000, tokenizer="heuristic", layers=("cap", "micro", "failsafe")),
    Settings(window=3_000, tokenizer="heuristic", layers=("cap", "micro", "failsafe")),
    SUMMARY,
    replace(SUMMARY, style="store"),
)
"""Results shortened, groups dropped, a summary in each of its forms."""

ERROR = "[An error occurred during execution.]\n"
"""What the SDK of OpenHands sends before an error."""


def compacted(data: bytes) -> Iterator[tuple[Transcript, bytes]]:
    """Yield what was made of a file, and its bytes with and without history."""
    transcript = load(data)
    yield transcript, data
    for way in WAYS:
        try:
            done = compact(transcript, way).transcript
        except DoesNotFitError:
            continue
        for keep_history in (False, True):
            yield done, b"".join(formats.dump(done, keep_history=keep_history))


def shared_files(folder: str) -> list[Any]:
    """Return real files of a format; none where they are not there."""
    return [pytest.param(path.read_bytes(), id=path.name) for path in sorted((FOLDER / folder).glob("*"))]


def written(*names: str) -> list[Any]:
    """Return a conversation with everything in it, as its tool writes it."""
    return [pytest.param(WRITERS[name][1](SOUND), id=name) for name in names]


@pytest.mark.parametrize("data", [*shared_files("atif"), *written("atif")])
def test_atif_is_a_trajectory_to_harbor(data: bytes) -> None:
    """Its models refuse gaps in the numbers, unknown fields and results without their call."""
    models = pytest.importorskip("harbor.models.trajectories", reason="harbor needs Python 3.12")
    for _, output in compacted(data):
        found = models.Trajectory.model_validate_json(output)
        assert len(found.steps) == found.final_metrics.total_steps


@pytest.mark.parametrize("data", [*shared_files("langchain"), *written("langchain dumpd")])
def test_dumps_load_in_langchain(data: bytes) -> None:
    """Text by text, call by call."""
    load_module = pytest.importorskip("langchain_core.load")
    for _, output in compacted(data):
        values = load_module.load(json.loads(output), allowed_objects="messages")
        assert seen_by_langchain(values) == seen(load(output))


@pytest.mark.parametrize("data", written("langchain dicts"))
def test_dicts_load_in_langchain(data: bytes) -> None:
    """The other way that LangChain writes messages."""
    messages = pytest.importorskip("langchain_core.messages")
    for _, output in compacted(data):
        values = messages.messages_from_dict(json.loads(output)["messages"])
        assert seen_by_langchain(values) == seen(load(output))


def seen_by_langchain(values: list[Any]) -> list[tuple[str, ...]]:
    """Return role, text and calls as LangChain has them."""
    roles = {"human": "user", "ai": "assistant", "tool": "tool", "system": "system"}
    return [
        (roles[one.type], str(one.text), *(call["id"] for call in getattr(one, "tool_calls", ()))) for one in values
    ]


def seen(transcript: Transcript, between: str = "") -> list[tuple[str, ...]]:
    """Return role, text and calls as we have them."""
    return [
        (one.role, _text(one, between), *(call.call_id.split("#")[0] for call in one.calls))
        for one in transcript.messages
    ]


def _text(message: Message, between: str) -> str:
    return between.join(part.text for part in message.parts if part.kind in ("text", "result"))


def adk_sessions() -> list[Any]:
    """Return sessions of the Agent Development Kit, with rewinds and compactions too."""
    replayed = [
        pytest.param(json.dumps({"id": "s", "events": one[0]}).encode(), id=name) for name, one in REPLAYED.items()
    ]
    return [*replayed, *written("gemini adk")]


@pytest.mark.parametrize("data", adk_sessions())
def test_the_agent_development_kit_has_our_view(data: bytes) -> None:
    """Its session models take what was written, and it would send the conversation that we read."""
    contents = pytest.importorskip("google.adk.flows.llm_flows.context._contents")
    sessions = pytest.importorskip("google.adk.sessions.session")
    for _, output in compacted(data):
        value = json.loads(output)
        session = sessions.Session.model_validate({"app_name": "a", "user_id": "u", **value})
        sent = contents._get_contents(None, session.events, "agent", preserve_function_call_ids=True)
        parts = [part for content in sent for part in content.parts]
        assert [part.text for part in parts if part.text and not part.thought] == [
            part.text for one in load(output).messages for part in one.parts if part.kind == "text"
        ]
        assert [part.function_call.id for part in parts if part.function_call] == [
            part.call_id for one in load(output).messages for part in one.calls
        ]


@pytest.mark.parametrize("data", written("openhands"))
def test_the_sdk_of_openhands_has_our_view(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without history: it applies condensations itself, and comes to the same conversation."""
    base, view = openhands(monkeypatch)
    for _, output in compacted(data):
        events = [base.Event.model_validate_json(line) for line in output.splitlines()]
        shown = view.View.from_events(events).events
        found = [(one.role, "".join(piece.text for piece in one.content), *(call.id for call in one.tool_calls or ()))
                 for one in (event.to_llm_message() for event in shown)]  # fmt: skip
        assert joined(found) == joined(seen(load(output)))


def test_the_older_server_of_openhands_has_our_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """It drops and inserts as we do, and sends the conversation that we read.

    Needs openhands-ai before 1.0, beside which the SDK cannot be installed: in an environment of its own.
    """
    monkeypatch.setitem(os.environ, "LITELLM_LOCAL_MODEL_COST_MAP", "True")
    view = pytest.importorskip("openhands.memory.view")
    memory = pytest.importorskip("openhands.memory.conversation_memory")
    config = importlib.import_module("openhands.core.config.agent_config").AgentConfig(enable_prompt_extensions=False)
    read = importlib.import_module("openhands.events.serialization.event").event_from_dict
    states = importlib.import_module("openhands.events.observation").AgentStateChangedObservation
    prompt = {"id": 0, "source": "agent", "action": "system", "args": {"content": "You mend code."}}
    data = WRITERS["openhands V0 answers"][1](SOUND, json.dumps([prompt]).encode())
    for _, output in compacted(data):
        events = [read(_with_known_names(one)) for one in json.loads(output)]
        history = [one for one in events if not isinstance(one, states)]
        first = next(one for one in history if type(one).__name__ == "MessageAction" and one.source.value == "user")
        shown = view.View.from_events(history).events
        sent = memory.ConversationMemory(config, None).process_events(list(shown), first)
        found = [(one.role, "".join(piece.text for piece in one.content), *(call.id for call in one.tool_calls or ()))
                 for one in sent]  # fmt: skip
        if len(shown) < 2 or shown[1] is not first:
            found = [one for number, one in enumerate(found) if number != 1]  # it says the task once more
        assert joined(found) == joined(seen(load(output)))


def _with_known_names(value: dict[str, Any]) -> dict[str, Any]:
    """Let calls and their results be of a kind that the server has; it sends what stands in the answer beside them."""
    if value.get("action") not in (None, "system", "message", "condensation"):
        return {**value, "action": "run", "args": {"command": "x"}}
    if "cause" in value:
        return {**value, "observation": "mcp", "extras": {"name": "x", "arguments": {}}}
    return value


@pytest.mark.parametrize("data", shared_files("openhands"))
def test_events_of_openhands_stay_events(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real ones, beside a condensation; kinds that the installed SDK does not know are passed over."""
    base, _ = openhands(monkeypatch)
    try:
        base.Event.model_validate_json(data)
    except ValueError:
        pytest.skip("of a kind that this version of the SDK does not know")
    transcript = load(data)
    output = dump(transcript.with_messages((*transcript.messages, notice())))
    for line in output.splitlines():
        base.Event.model_validate_json(line)


def openhands(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Import the SDK, which would fetch prices and greet."""
    monkeypatch.setitem(os.environ, "LITELLM_LOCAL_MODEL_COST_MAP", "True")
    monkeypatch.setitem(os.environ, "OPENHANDS_SUPPRESS_BANNER", "1")
    base = pytest.importorskip("openhands.sdk.event.base", reason="openhands-sdk needs Python 3.12")
    return base, pytest.importorskip("openhands.sdk.context.view")


def joined(found: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Put calls of one answer and neighbouring users together, as both do when they send."""
    done: list[tuple[str, ...]] = []
    for role, text, *calls in found:
        if done and done[-1][0] == role and role != "tool" and (role == "user" or (calls and not text)):
            last = done.pop()
            calls = [*last[2:], *calls]
            text = last[1] + text
        done.append((role, text.replace("\n\n", "").removeprefix(ERROR), *calls))
    return done


@pytest.mark.parametrize("data", shared_files("inspect-ai"))
def test_logs_are_read_by_inspect(data: bytes, tmp_path: Path) -> None:
    """Its reader checks every message and event."""
    log = pytest.importorskip("inspect_ai.log")
    for transcript in formats.load_all(Source(data, "log.json")):
        for way in WAYS:
            output = b"".join(formats.dump(compact(transcript, way).transcript))
            path = tmp_path / "log.json"
            path.write_bytes(output)
            found = log.read_eval_log(str(path))
            assert found.samples


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let inspect-ai evaluate a scripted model that uses a tool, two samples twice, and log as it does by default."""
    inspect = pytest.importorskip("inspect_ai")
    for name in ("dataset", "model", "scorer", "solver", "tool"):
        importlib.import_module(f"inspect_ai.{name}")

    @inspect.tool.tool
    def listing() -> Any:
        async def execute(path: str) -> str:
            """List a folder.

            Args:
                path: The folder.
            """
            return "\n".join(f"{path}/file_{number:05d}.txt" for number in range(300))

        return execute

    def answers() -> Iterator[Any]:
        output = inspect.model.ModelOutput
        for _ in range(4):
            yield from (
                output.for_tool_call("mockllm/model", "listing", {"path": f"/data/{number}"}) for number in range(6)
            )
            yield output.from_content("mockllm/model", "300 files in each")

    scripted = list(answers())
    for one in scripted:  # without it a tokenizer would be fetched to count
        one.usage = inspect.model.ModelUsage(input_tokens=1000, output_tokens=10, total_tokens=1010)
    talk = [
        inspect.model.ChatMessageUser(content="What is this place?"),
        inspect.model.ChatMessageAssistant(content=filler(40_000)),
        inspect.model.ChatMessageUser(content="How many files?"),
    ]
    samples = [inspect.dataset.Sample(id=one, input=talk, target="300") for one in ("first", 2)]
    task = inspect.Task(
        dataset=samples,
        solver=[inspect.solver.use_tools(listing()), inspect.solver.generate()],
        scorer=inspect.scorer.includes(),
        epochs=2,
    )
    model = inspect.model.get_model("mockllm/model", custom_outputs=scripted)
    folder = tmp_path_factory.mktemp("logs")
    [log] = inspect.eval(task, model=model, log_dir=str(folder), display="none", max_samples=1)
    assert log.status == "success"
    [path] = folder.glob("*.eval")
    return path


@pytest.mark.parametrize("way", range(len(WAYS)))
def test_zipped_logs_are_read_by_inspect(evaluation: Path, way: int, tmp_path: Path) -> None:
    """It sees the conversations that we see, beside the results, the scores and the summaries of the run."""
    log = pytest.importorskip("inspect_ai.log")
    data = evaluation.read_bytes()
    before, path = log.read_eval_log(str(evaluation)), tmp_path / "small.eval"
    settings = replace(WAYS[way], window=16_000)
    done = [compact(one, settings).transcript for one in load_all(evaluation)]
    path.write_bytes(b"".join(packing.pack(formats.dump_all(done), path.name, data)))
    after = log.read_eval_log(str(path), resolve_attachments=True)
    assert (after.eval, after.results, after.stats) == (before.eval, before.results, before.stats)
    assert [one.samples for one in after.reductions] == [one.samples for one in before.reductions]
    found = {one.uuid: one for one in after.samples}
    for transcript in done:
        sample = found[transcript.session_id]
        assert [
            (one.role, one.text, *(call.id for call in getattr(one, "tool_calls", None) or ()))
            for one in sample.messages
        ] == seen(transcript)
    assert len(packing.unpack(path.read_bytes(), path.name)) < len(packing.unpack(data, path.name))
    counted = {one.uuid: one.message_count for one in log.read_eval_log_sample_summaries(str(path))}
    assert counted == {name: len(sample.messages) for name, sample in found.items()}


def test_the_sdk_of_openhands_opens_a_folder_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its event log wants files numbered without gaps, named after their events."""
    openhands(monkeypatch)
    log = pytest.importorskip("openhands.sdk.conversation.event_store")
    store = pytest.importorskip("openhands.sdk.io")
    view = pytest.importorskip("openhands.sdk.context.view")
    for number, (done, data) in enumerate(compacted(WRITERS["openhands"][1](SOUND))):
        events = b"[" + b",".join(data.splitlines()) + b"]"
        folder = tmp_path / str(number)
        folder.mkdir()
        event_folders.write(folder / "talk", events, tmp_path)
        found = log.EventLog(store.LocalFileStore(str(folder)), dir_path="talk")
        assert len(found) == len(data.splitlines())
        shown = view.View.from_events(list(found)).events
        assert sum(len(message.records) or 1 for message in done.messages) >= len(shown) > 0
