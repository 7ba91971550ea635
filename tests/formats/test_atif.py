"""ATIF trajectories: an answer and its results in one step, numbered steps, boundaries of compactions."""

import json
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.compaction import compact
from cortex_cli.errors import InputError
from cortex_cli.messages import Message, Part, Transcript
from cortex_cli.settings import Settings
from tests.conftest import filler, notice
from tests.roundtrip import dump, load, load_all

CALLS = [{"tool_call_id": one, "function_name": "ls", "arguments": {"n": 1}} for one in ("a", "b")]
RESULTS: list[dict[str, Any]] = [
    {"source_call_id": "b", "content": [{"type": "text", "text": "seen b"}]},
    {"source_call_id": "a", "content": "seen a", "extra": {"raw": filler(900)}},
]
METRICS = {"prompt_tokens": 100, "completion_tokens": 20}


def step(source: str, message: Any, **more: Any) -> dict[str, Any]:
    """Build a step without its number."""
    return {"source": source, "message": message, **more}


ANSWER = step(
    "agent", "I look", tool_calls=CALLS, observation={"results": RESULTS}, reasoning_content="hm", metrics=METRICS
)
STEPS = [step("system", "be brief"), step("user", "go"), ANSWER, step("user", "more"), step("agent", "done")]
BOUNDARY = step("system", "x", extra={"context_management": {"type": "compaction", "boundary": "replace"}})


def write(*steps: dict[str, Any], **more: Any) -> bytes:
    """Write a trajectory."""
    numbered = [{"step_id": number, **one} for number, one in enumerate(steps, 1)]
    agent = {"name": "a", "version": "1", "model_name": "m", "tool_definitions": [{"type": "function"}]}
    return json.dumps({"schema_version": "ATIF-v1.7", "agent": agent, "steps": numbered, **more}, indent=1).encode()


def written(transcript: Transcript, **options: Any) -> list[dict[str, Any]]:
    """Return the steps of a changed transcript, once their numbers are checked."""
    steps: list[dict[str, Any]] = json.loads(b"".join(formats.dump(transcript, **options)))["steps"]
    assert [one["step_id"] for one in steps] == list(range(1, len(steps) + 1))
    return steps


def test_what_a_step_holds() -> None:
    """Thinking, text, calls, and each result by the call that it names."""
    transcript = load(write(*STEPS, session_id="s"))
    assert [one.role for one in transcript.messages] == [
        "system", "user", "assistant", "tool", "tool", "user", "assistant",
    ]  # fmt: skip
    answer, *results = transcript.messages[2:5]
    assert [part.kind for part in answer.parts] == ["thinking", "text", "call", "call"]
    assert [(one.parts[0].call_id, one.parts[0].text) for one in results] == [("b", "seen b"), ("a", "seen a")]
    assert (transcript.model, transcript.session_id, len(transcript.preamble)) == ("m", "s", 1)
    assert transcript.usage is not None
    assert (transcript.usage.tokens, transcript.usage.messages) == (120, 3)


def test_a_result_that_names_no_call_answers_the_next_one() -> None:
    """Converters leave the id out where there is one call; agents without calls have results all the same."""
    one = step("agent", "", tool_calls=CALLS[:1], observation={"results": [{"content": "seen"}]})
    other = step("agent", "ls", observation={"results": [{"content": "seen"}]})
    transcript = load(write(STEPS[1], one, other))
    assert [one.role for one in transcript.messages] == ["user", "assistant", "tool", "assistant", "tool"]
    for answer, result in (transcript.messages[1:3], transcript.messages[3:5]):
        assert result.parts[0].call_id == answer.calls[0].call_id
    assert transcript.messages[3].calls[0].text == ""


def test_a_compaction_is_a_boundary_and_a_user_step() -> None:
    """As Harbor's own agents record one; the system prompt stays in front of it."""
    transcript = load(write(*STEPS, final_metrics={"total_steps": 5, "total_prompt_tokens": 9}))
    kept = (transcript.messages[0], transcript.messages[1], notice(), *transcript.messages[5:])
    changed = transcript.with_messages(kept)
    steps = written(changed)
    assert [(one["source"], one["message"]) for one in steps[2:]] == [
        ("user", notice().text), ("user", "go"), ("user", "more"), ("agent", "done"),
    ]  # fmt: skip
    assert steps[1]["extra"]["context_management"] == {"type": "compaction", "boundary": "replace"}
    assert json.loads(dump(changed))["final_metrics"] == {"total_steps": 6, "total_prompt_tokens": 9}
    again = load(dump(changed))
    assert [one.text for one in again.messages] == ["be brief", notice().text, "go", "more", "done"]
    assert [one.synthetic for one in again.messages] == ["", "notice", "", "", ""]


def test_history_stays_where_it_is_wanted() -> None:
    """In front of the boundary; what is kept of it is copied behind, and says so."""
    transcript = load(write(*STEPS))
    kept = (transcript.messages[0], transcript.messages[1], notice(), *transcript.messages[5:])
    steps = written(transcript.with_messages(kept), keep_history=True)
    assert [one["message"] for one in steps] == [
        "be brief", "go", "I look", steps[3]["message"], notice().text, "go", "more", "done",
    ]  # fmt: skip
    assert [one.get("is_copied_context") for one in steps] == [None] * 5 + [True, None, None]
    data = b"".join(formats.dump(transcript.with_messages(kept), keep_history=True))
    assert [one.text for one in load(data).messages] == ["be brief", notice().text, "go", "more", "done"]


def test_the_step_after_a_boundary_is_a_summary() -> None:
    """Whoever wrote it; what stands before is not sent any more, and its usage is not this conversation's."""
    transcript = load(write(*STEPS[:3], BOUNDARY, step("user", "so far: ..."), *STEPS[3:]))
    assert [one.text for one in transcript.messages] == ["be brief", "so far: ...", "more", "done"]
    assert [one.synthetic for one in transcript.messages] == ["", "summary", "", ""]
    assert transcript.usage is None
    made = written(transcript.with_messages((transcript.messages[0], notice(), *transcript.messages[2:])))
    assert [one["message"] for one in made] == ["be brief", made[1]["message"], notice().text, "more", "done"]


def test_a_result_of_ours_goes_into_the_step_of_its_call() -> None:
    """A reader refuses a result whose call is in another step."""
    dead = step("agent", "", tool_calls=CALLS)
    half = step("agent", "", tool_calls=CALLS, observation={"results": RESULTS[:1]})
    for answer, results in ((dead, 2), (half, 2), (dead | {"observation": None}, 2)):
        transcript = load(write(STEPS[1], answer, *STEPS[3:]))
        done = compact(transcript, Settings(window=200_000, tokenizer="heuristic"))
        steps = written(done.transcript)
        assert len(steps) == 4
        found = steps[1]["observation"]["results"]
        assert sorted(one["source_call_id"] for one in found) == ["a", "b"][:results]
        assert len(load(dump(done.transcript)).messages) == 6


def test_edits_reach_the_copies_in_extra() -> None:
    """Converters keep the raw result beside the readable one."""
    transcript = load(write(*STEPS))
    result = transcript.messages[4]
    short = result.with_part(0, result.parts[0]._replace(text="short"))
    made = written(transcript.with_messages((*transcript.messages[:4], short, *transcript.messages[5:])))
    edited = made[2]["observation"]["results"][1]
    assert edited["content"] == "short"
    assert len(edited["extra"]["raw"]) <= 256
    assert made[2]["observation"]["results"][0] == RESULTS[0]


def test_parts_leave_a_step_that_stays() -> None:
    """Thinking of finished turns, results that repair removes."""
    transcript = load(write(*STEPS))
    answer = transcript.messages[2]._replace(parts=transcript.messages[2].parts[1:2])
    made = written(transcript.with_messages((*transcript.messages[:2], answer, *transcript.messages[5:])))
    assert made[2].keys() == {"step_id", "source", "message", "metrics"}


def test_wrong_numbers_are_put_right_with_the_next_change() -> None:
    """A reader refuses gaps."""
    data = write(*STEPS).replace(b'"step_id": 3', b'"step_id": 7')
    transcript = load(data)
    assert dump(transcript) == data
    written(transcript.with_messages(transcript.messages[:-1]))


def test_the_containers() -> None:
    """A list of trajectories, one a line; something else is refused."""
    one = json.loads(write(*STEPS))
    assert len(load_all(json.dumps([one, one]).encode())) == 2
    assert len(load_all(b"\n".join(json.dumps(one).encode() for _ in range(2)))) == 2
    assert len(load(json.dumps([one]).encode()).messages) == 7
    with pytest.raises(InputError):
        load(b'{"schema_version": "ATIF-v1.7"}', "atif")


def test_odd_messages_ride_along() -> None:
    """Parts with images, values of another kind, steps that are none."""
    image = {"type": "image", "source": {"media_type": "image/png", "path": "a.png"}}
    odd = [
        step("user", [{"type": "text", "text": "see"}, image, 5, {"type": "text", "value": "x"}]),
        step("agent", {"x": 1}),
        {"source": "ghost"},
    ]
    more = step("system", "note", observation={"results": [{"content": "said"}, {"content": None}, 7]})
    transcript = load(write(STEPS[1], *odd, more))
    assert [[part.kind for part in one.parts] for one in transcript.messages] == [
        ["text"], ["text", "media", "opaque", "opaque"], ["opaque"], ["text", "text"],
    ]  # fmt: skip
    assert len(transcript.warnings) == 1
    closing = Message("tool", (Part("result", "x", call_id="nobody"),), synthetic="closing")
    assert len(written(transcript.with_messages((*transcript.messages, closing)))) == 5


def test_a_result_of_ours_takes_the_place_of_those_that_answered_nothing() -> None:
    """They leave, all or one of two, before the call that nobody answered gets its own."""
    strange = {"source_call_id": "nobody", "content": "seen"}
    for results, left in (([strange], ["a", "b"]), ([strange, RESULTS[0]], ["b", "a"])):
        data = write(STEPS[1], step("agent", "", tool_calls=CALLS, observation={"results": results}), STEPS[3])
        steps = written(compact(load(data), Settings(window=200_000)).transcript)
        assert [one["source_call_id"] for one in steps[1]["observation"]["results"]] == left


def test_calls_without_ids_are_closed_once() -> None:
    """What closes them answers them when the file is read again, so that a second run has nothing to mend."""
    nameless = [{"function_name": "bash", "arguments": {"n": number}} for number in (1, 2)]
    strange = {"results": [{"source_call_id": "nobody", "content": "seen"}]}
    data = write(STEPS[1], step("agent", "", tool_calls=nameless, observation=strange), STEPS[3])
    once = dump(compact(load(data), Settings(window=200_000)).transcript)
    assert len(load(once).messages[1].calls) == 2
    assert dump(compact(load(once), Settings(window=200_000)).transcript) == once
