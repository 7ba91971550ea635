"""Trajectories of agents whose messages are chat messages in containers of their own."""

import json
from typing import Any

import pytest

from cortex_cli import formats
from cortex_cli.errors import InputError
from cortex_cli.formats.source import Source
from tests.conftest import filler, notice
from tests.roundtrip import dump, dump_all, load, load_all

LONG = filler(3000)
CALL = {"id": "c", "type": "function", "function": {"name": "bash", "arguments": "{}"}}
RUN = {
    "task_id": 7,
    "reward": 1.0,
    "traj": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": LONG},
    ],
}


def swe(history: list[dict[str, Any]], **more: Any) -> bytes:
    """Write a SWE-agent trajectory."""
    return json.dumps({"history": [{**one, "agent": "main"} for one in history], **more}).encode()


def shortened(data: bytes, text: str = "short") -> Any:
    """Give the first result another text, and return what is written as a value."""
    transcript = load(data)
    messages = list(transcript.messages)
    at = next(i for i, message in enumerate(messages) if message.role == "tool")
    messages[at] = messages[at].with_part(0, messages[at].parts[0]._replace(text=text))
    return json.loads(dump(transcript.with_messages(messages)))


def test_runs_of_tau_bench_are_conversations_of_their_own() -> None:
    """A results file holds one for each task; what stands between them stays."""
    data = b"[ " + json.dumps(RUN).encode() + b" ,\n17,\n" + json.dumps(RUN).encode() + b"\n]\n"
    transcripts = load_all(data)
    assert [one.format for one in transcripts] == ["tau-bench"] * 2
    assert [one.line_of(one.messages[0]) for one in transcripts] == [1, 3]
    assert dump_all(transcripts) == data
    changed = transcripts[1].with_messages((notice(), *transcripts[1].messages))
    output = dump_all([transcripts[0], changed])
    assert output.startswith(data[: data.index(b"17")])
    assert json.loads(output)[2]["traj"][0] == {"role": "user", "content": notice().text}
    with pytest.raises(InputError, match="several conversations"):
        load(data)


def test_one_run_in_a_list_is_one_conversation() -> None:
    """Whoever asks for one gets it, also without the list around it, or with one run a line."""
    for data in (json.dumps([RUN]), json.dumps(RUN), json.dumps([RUN], indent=1)):
        transcript = load(data.encode())
        assert (transcript.format, len(transcript.messages)) == ("tau-bench", 3)
        assert len(load_all(data.encode())) == 1
    lines = json.dumps(RUN).encode() + b"\n" + json.dumps(RUN).encode() + b"\n"
    assert [len(one.messages) for one in load_all(lines)] == [3, 3]


def test_tau_bench_without_a_run_is_refused() -> None:
    """Asked for by name, it must not end in a traceback."""
    with pytest.raises(InputError):
        load(b'[{"traj": []}]', "tau-bench")
    with pytest.raises(InputError):
        load(b'{"messages": [{"role": "tool", "tool_call_id": "a", "content": ""}]}', "swe-agent")


def test_an_array_of_chats_is_a_data_set() -> None:
    """Fine-tuning sets come as one array as often as in lines."""
    one = {"messages": [{"role": "user", "content": "hi"}, {"role": "tool", "tool_call_id": "a", "content": "r"}]}
    data = json.dumps([one, {"note": 1}, one], indent=2).encode()
    transcripts = formats.load_all(Source(data, "set.json"))
    assert [(one.format, len(one.messages)) for one in transcripts] == [("openai", 2)] * 2
    assert b"".join(formats.dump_all(transcripts)) == data
    assert len(load(json.dumps([one]).encode()).messages) == 2


def test_the_raw_output_shrinks_with_its_result() -> None:
    """Else a compacted mini-swe-agent file stays half as large as it was; the rest of `extra` stays."""
    extra = {"raw_output": "0" + LONG, "returncode": 0, "timestamp": 1.50}
    messages = [*RUN["traj"][:2], {**RUN["traj"][2], "extra": extra}]  # type: ignore[index]
    data = json.dumps({"messages": messages, "info": {"mini_version": "2"}}).encode()
    made = shortened(data)["messages"][2]
    assert made["content"] == "short"
    assert made["extra"]["timestamp"] == 1.50
    assert len(made["extra"]["raw_output"]) <= 256


def test_the_last_word_of_a_run_is_no_message() -> None:
    """mini-swe-agent never sends its `exit` record, and it is nothing to warn of."""
    messages = [*RUN["traj"], {"role": "exit", "content": "done", "extra": {}}]  # type: ignore[misc]
    transcript = load(json.dumps({"messages": messages, "trajectory_format": "mini-swe-agent-1.1"}).encode())
    assert len(transcript.messages) == 3
    assert transcript.warnings == ()


@pytest.mark.parametrize("extra", [{}, {"actions": [{"command": "ls"}]}])
def test_output_of_agents_that_act_by_text_is_a_result(extra: dict[str, Any]) -> None:
    """As the user's words it could not shrink; a word of the user's stays one."""
    said = "```bash\nls\n```" if not extra else "I look"
    messages: list[Any] = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": said, "extra": extra},
        {"role": "user", "content": f"<returncode>0</returncode>\n<output>{LONG}</output>"},
        {"role": "assistant", "content": said, "extra": extra},
        {"role": "user", "content": "stop, do it otherwise"},
    ]
    transcript = load(json.dumps({"messages": messages, "trajectory_format": "mini-swe-agent-1"}).encode())
    assert [one.role for one in transcript.messages] == ["user", "assistant", "tool", "assistant", "user"]
    assert [one.typed for one in transcript.messages] == [True, False, False, False, True]
    result = transcript.messages[2].result
    assert result is not None
    assert (result.name, result.call_id) == ("bash", transcript.messages[1].calls[0].call_id)


def test_steps_of_swe_agent_shrink_with_the_history() -> None:
    """`trajectory` repeats every output, whole or in its query; what the history keeps stays there too."""
    history = [
        {"role": "user", "content": "the task"},
        {"role": "assistant", "content": "I look", "action": "open a.py"},
        {"role": "user", "content": f"OBSERVATION:\n{LONG}\n(Open file: a.py)"},
    ]
    steps = [{"action": "open a.py", "observation": LONG, "query": history, "other": "x" * 3000}]
    made = shortened(swe(history, trajectory=steps, info={"submission": LONG}))
    assert made["history"][2]["content"] == "short"
    assert made["trajectory"][0]["observation"] == "short"
    assert made["trajectory"][0]["query"][2]["content"] == "short"
    assert made["trajectory"][0]["other"] == "x" * 3000
    assert made["info"]["submission"] == LONG


def test_the_task_after_a_demonstration_is_no_reply() -> None:
    """SWE-agent shows a worked example first; its last action has no output, the task follows."""
    demo = {"is_demo": True}
    history = [
        {"role": "user", "content": "example", **demo},
        {"role": "assistant", "content": "x", "action": "submit", **demo},
        {"role": "user", "content": "the task"},
    ]
    transcript = load(swe(history))
    assert [one.role for one in transcript.messages] == ["user", "assistant", "user"]
    assert transcript.messages[2].typed


def test_swe_agent_names_calls_in_a_list() -> None:
    """Its replies have `tool_call_ids`, the API's have one id."""
    history = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "x", "action": "ls", "tool_calls": [CALL]},
        {"role": "tool", "content": "a.py", "tool_call_ids": ["c"]},
    ]
    transcript = load(swe(history))
    assert transcript.messages[2].parts[0].call_id == "c"
    made = json.loads(dump(transcript.with_messages((notice(), *transcript.messages))))
    assert made["history"][0] == {"role": "user", "content": notice().text, "agent": "main"}
