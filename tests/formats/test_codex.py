"""Codex rollouts: what is live in them, and that a dump writes what the client reads as intended."""

from typing import Any

import pytest

from cortex_cli import marks
from cortex_cli.errors import InputError
from cortex_cli.formats import codex
from cortex_cli.formats.source import Source
from cortex_cli.jsonedit import parse
from cortex_cli.messages import Message, Part, Transcript, Usage
from tests.rollouts import (
    CASES,
    DEVELOPER,
    ENVIRONMENT,
    REASONING,
    RULES,
    SESSION,
    SUMMARY,
    Line,
    called,
    compacted,
    event,
    item,
    line,
    rollout,
    said,
    turn,
    typed,
)

NOTICE = Message("user", (Part("text", marks.notice_text(marks.Notice(3, 40))),), synthetic="notice")


def load(*lines: Line) -> Transcript:
    """Read a rollout of these lines."""
    return load_bytes(rollout(*lines))


def load_bytes(data: bytes) -> Transcript:
    """Read a rollout."""
    return codex.load(Source(data, "t.jsonl"))


def dump(transcript: Transcript, **options: bool) -> bytes:
    """Write a rollout."""
    return b"".join(codex.dump(transcript, **options))


def objects(data: bytes) -> list[Any]:
    """Parse every line."""
    return [parse(one) for one in data.split(b"\n") if one]


def texts(transcript: Transcript) -> list[str]:
    """Return what the messages say, calls by their id."""
    return ["+".join(part.call_id or part.text for part in message.parts) for message in transcript.messages]


def cut(transcript: Transcript, keep: int, *, pinned: tuple[int, ...] = ()) -> Transcript:
    """Drop all but slots, pinned messages and the last few, as the failsafe does."""
    messages = transcript.messages
    at = len(messages) - keep
    front = [message for message in messages[:at] if message.slot or message.position in pinned]
    return transcript.with_messages([*front, NOTICE, *messages[at:]])


def shortened(transcript: Transcript, call_id: str, text: str = "short") -> Transcript:
    """Give a result another text."""
    messages = [
        message._replace(parts=(message.parts[0]._replace(text=text),))
        if message.result is not None and message.result.call_id == call_id
        else message
        for message in transcript.messages
    ]
    return transcript.with_messages(messages)


TALK = [*turn(1, DEVELOPER, RULES, ENVIRONMENT, *typed("one"), REASONING, *called("a"), said("first", "assistant"))]
MORE = [*turn(2, *typed("two"), *called("b", "long " * 50), said("second", "assistant"))]


class TestLoad:
    """What the model would be sent."""

    def test_what_stands_between_two_outputs_is_one_answer(self) -> None:
        """Reasoning, text and calls of one response must leave together."""
        transcript = load(*typed("go"), REASONING, said("I look", "assistant"), *called("a", None), *called("b"))
        answer = transcript.messages[1]
        assert [part.kind for part in answer.parts] == ["thinking", "text", "call", "call"]
        assert answer.records == (3, 4, 5, 6)
        assert answer.parts[0].signed
        assert [message.role for message in transcript.messages] == ["user", "assistant", "tool"]

    def test_results_are_messages_of_their_own_with_the_name_of_their_tool(self) -> None:
        """Layers judge each result by itself, and by its tool."""
        transcript = load(*typed("go"), *called("a", "A", name="read_file"), *called("b", "B"))
        results = [message.result for message in transcript.messages if message.result]
        assert [(one.name, one.text, one.json) for one in results] == [("read_file", "A", False), ("shell", "B", False)]

    @pytest.mark.parametrize(
        ("call", "answer", "text"),
        [
            (
                item("custom_tool_call", call_id="p", name="apply_patch", input="*** Begin"),
                item("custom_tool_call_output", call_id="p", output='{"output":"Done","metadata":{}}'),
                '{"output":"Done","metadata":{}}',
            ),
            (
                item("local_shell_call", call_id="p", action={"type": "exec", "command": ["ls"]}),
                item("function_call_output", call_id="p", output="a.py"),
                "a.py",
            ),
            (
                item("future_call", call_id="p", data=1),
                item("future_call_output", call_id="p", output=[{"type": "input_text", "text": "x"}]),
                "x",
            ),
        ],
    )
    def test_calls_of_every_family_are_paired(self, call: Line, answer: Line, text: str) -> None:
        """A result without its call would be taken for damage and removed."""
        transcript = load(*typed("go"), call, answer)
        (made,) = transcript.messages[1].calls
        result = transcript.messages[2].result
        assert result is not None
        assert (made.call_id, result.call_id, result.text) == ("p", "p", text)

    def test_images_in_outputs_are_media(self) -> None:
        """They count, and layer 1 can take them out."""
        pieces = [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "data:image/png;base64,AA"}]
        transcript = load(*typed("go"), *called("a", None), item("function_call_output", call_id="a", output=pieces))
        result = transcript.messages[-1].result
        assert result is not None
        assert result.text == "a"
        assert [(medium.type, medium.block) for medium in result.media] == [("image/png", 1)]

    def test_only_the_words_of_the_user_are_typed(self) -> None:
        """What the client wrote itself may not be taken for a wish."""
        transcript = load(DEVELOPER, RULES, ENVIRONMENT, *typed("do it"), said("<turn_aborted>\nx\n</turn_aborted>"))
        assert [message.typed for message in transcript.messages] == [False, False, False, True, False]
        assert [message.slot for message in transcript.messages] == [True, True, True, False, False]

    def test_the_newest_environment_is_a_slot_wherever_it_stands(self) -> None:
        """The client believes that the model knows it, and does not send it again."""
        late = [ENVIRONMENT, ENVIRONMENT]
        transcript = load(ENVIRONMENT, *typed("one"), said("first", "assistant"), *late, *typed("two"))
        assert [message.position for message in transcript.messages if message.slot] == [0, 4]

    def test_what_the_client_keeps_to_itself_is_not_live(self) -> None:
        """Snapshots and old system items are never sent."""
        transcript = load(said("x", "system"), item("ghost_snapshot", ghost_commit={}), *typed("one"))
        assert texts(transcript) == ["one"]

    def test_encrypted_compactions_are_kept_by_every_layer(self) -> None:
        """They are the only copy of what they hold."""
        transcript = load(compacted(said("one"), item("compaction", encrypted_content="gAAA")), *typed("two"))
        opaque = transcript.messages[1]
        assert (opaque.role, opaque.slot, opaque.parts[0].kind) == ("system", True, "opaque")
        assert "gAAA" in opaque.parts[0].text

    def test_searches_are_opaque(self) -> None:
        """A search of the provider's has no output item; the tools that a tool search found must stay whole."""
        found = item("tool_search_output", call_id="t", tools=[{"name": "x"}])
        search = item("tool_search_call", call_id="t", execution="client", arguments={})
        transcript = load(*typed("go"), item("web_search_call", action={"query": "x"}), search, found)
        assert [part.kind for part in transcript.messages[1].parts] == ["opaque"] * 3

    def test_a_replacement_history_is_the_whole_context(self) -> None:
        """What stands before it is dead; its items share the record of its line."""
        transcript = load(*CASES["replacement history"])
        assert texts(transcript)[:4] == [
            "<permissions instructions>\nread only\n</permissions instructions>",
            RULES["payload"]["content"][0]["text"],
            "one",
            "[cortex: 3 earlier messages (~9 tokens) removed to fit]",
        ]
        assert len({message.records for message in transcript.messages[:4]}) == 1
        assert len({part.block for message in transcript.messages[:4] for part in message.parts}) == 4
        assert transcript.messages[3].synthetic == "notice"

    def test_a_compaction_without_history_leaves_the_users_words(self) -> None:
        """Older clients rebuild the context from them and the summary."""
        transcript = load(*CASES["compaction without history"])
        assert texts(transcript)[:3] == ["one", SUMMARY, "two"]
        assert [message.synthetic for message in transcript.messages[:3]] == ["", "summary", ""]

    @pytest.mark.parametrize("what", [what for what in CASES if what.startswith("rollback")])
    def test_rolled_back_turns_are_dead(self, what: str) -> None:
        """The client takes them, and what was compacted in them, back."""
        assert not {"three", "third"} & set(texts(load(*CASES[what]))) or what == "rollback of a turn with a compaction"

    def test_a_summary_without_tags_is_known_by_its_compaction(self) -> None:
        """In the store's form it could be anybody's words."""
        history = (said("what we did"), said(marks.ACKNOWLEDGEMENT, "assistant"))
        transcript = load(compacted(*history, message="what we did"), said("go on", "assistant"))
        assert [message.synthetic for message in transcript.messages] == ["summary", "acknowledgement", ""]

    def test_header_window_and_model_are_read(self) -> None:
        """They decide the budget and the price."""
        transcript = load(*TALK, count(100, 10))
        assert (transcript.session_id, transcript.model, transcript.window) == (SESSION, "gpt-5", 272000)

    def test_instructions_are_counted_once(self) -> None:
        """Older rollouts hold the project's rules in the header and in an item."""
        old = rollout(*TALK).replace(b'"cwd":', b'"instructions":"Be brief.","cwd":', 1)
        assert load_bytes(old).preamble == ()
        assert load_bytes(old.replace(b'"Be brief."', b'"Be quick."')).preamble == ("Be quick.",)
        new = rollout(*TALK).replace(b'"cwd":', b'"base_instructions":{"text":"You are"},"cwd":', 1)
        assert load_bytes(new).preamble == ("You are",)

    def test_other_files_are_refused(self) -> None:
        """A wrong `--format` is the user's mistake, not a bug."""
        assert codex.detect(Source(b'{"role":"user","content":"x"}\n{"payload":1}\n')) == 0
        with pytest.raises(InputError, match="not a Codex rollout"):
            codex.load(Source(b'{"role":"user","content":"x"}\n'))


def count(read: int, written: int, window: int = 272000) -> Line:
    """Write the event that reports the usage of a call."""
    usage = {"input_tokens": read, "cached_input_tokens": 0, "output_tokens": written}
    usage |= {"reasoning_output_tokens": 0, "total_tokens": read + written}
    info = {"total_token_usage": usage, "last_token_usage": usage, "model_context_window": window}
    return event("token_count", info=info, rate_limits=None)


class TestUsage:
    """Recorded usage measures what is sent but not in the file."""

    def test_newer_clients_write_it_behind_the_answer(self) -> None:
        """The output that stands between answer and usage was not seen by the call."""
        answered = [*called("a"), count(100, 10)]
        assert load(*typed("one"), *answered).usage == Usage(110, 2)
        assert load(*typed("one"), *answered, said("done", "assistant")).usage == Usage(110, 2)

    def test_older_clients_write_it_before_the_answer(self) -> None:
        """It covers the answer that follows."""
        lines = [*typed("one"), count(100, 10), *called("a"), count(200, 20), said("done", "assistant")]
        assert load(*lines).usage == Usage(220, 4)
        assert load(*lines[:-1]).usage == Usage(220, 3)

    def test_only_real_calls_later_than_any_compaction_count(self) -> None:
        """Before it the context was another one; estimates are no measure."""
        assert load(*typed("one"), said("x", "assistant"), count(9, 1), compacted(said("one"))).usage is None
        assert load(*typed("one"), said("x", "assistant"), count(9, 1), count(0, 0)).usage is None


class TestEdits:
    """Changes in place."""

    @pytest.mark.parametrize("what", CASES)
    def test_untouched_files_are_the_same_bytes(self, what: str) -> None:
        """Whatever a line holds."""
        data = rollout(*CASES[what])
        transcript = load_bytes(data)
        assert dump(transcript) == data
        assert dump(transcript.with_messages(list(transcript.messages))) == data

    def test_a_shortened_output_changes_only_its_value(self) -> None:
        """All other bytes of the line stay, odd ones too."""
        odd = b'{"timestamp":"x" , "type":"response_item","payload":{"type":"function_call_output","n":1.0e5,'
        odd += b'"call_id":"a" ,"output":"' + b"long " * 9 + b'"},"z":1}\n'
        data = rollout(*typed("one"), *called("a", None)) + odd
        output = dump(shortened(load_bytes(data), "a"))
        assert output == data.replace(b"long " * 9, b"short")

    def test_items_of_a_replacement_history_are_edited(self) -> None:
        """They are live like any other."""
        call, answer = called("a", "long " * 20)
        before = load(compacted(RULES, said("one"), call, answer), *typed("two"))
        output = dump(shortened(before, "a"))
        assert texts(load_bytes(output)) == [one if one != "a" else "a" for one in texts(before)]
        result = next(message.result for message in load_bytes(output).messages if message.result)
        assert result.text == "short"

    def test_removed_items_leave_the_replacement_history(self) -> None:
        """Its optional list of metadata has an entry for each item."""
        checkpoint = compacted(RULES, said("one"), *called("a"))
        checkpoint["payload"]["replacement_history_metadata"] = [{"n": number} for number in range(4)]
        before = load(checkpoint, *typed("two"))
        after = before.with_messages([m for m in before.messages if not (m.calls or m.result)])
        payload = objects(dump(after))[1]["payload"]
        assert len(payload["replacement_history"]) == 2
        assert payload["replacement_history_metadata"] == [{"n": 0}, {"n": 1}]

    def test_a_compaction_stays_even_if_nothing_is_left_of_it(self) -> None:
        """Without its line the client would read what stood before it."""
        before = load(*typed("zero"), compacted(said("one")), *typed("two"))
        again = load_bytes(dump(before.with_messages(before.messages[1:])))
        assert texts(again) == ["two"]

    @pytest.mark.parametrize(
        ("call", "kind"),
        [
            (called("a", None)[0], "function_call_output"),
            (item("custom_tool_call", call_id="a", name="apply_patch", input="x"), "custom_tool_call_output"),
            (item("local_shell_call", call_id="a", action={}), "function_call_output"),
            (item("future_call", call_id="a"), "future_call_output"),
        ],
    )
    def test_dead_calls_are_closed_in_their_family(self, call: Line, kind: str) -> None:
        """The API pairs by id and by type."""
        before = load(*typed("one"), call, *typed("two"))
        closing = Message("tool", (Part("result", "interrupted", call_id="a"),), synthetic="closing")
        output = dump(before.with_messages([*before.messages[:2], closing, *before.messages[2:]]))
        written = [one["payload"] for one in objects(output) if one["type"] == "response_item"]
        assert written[2] == {"type": kind, "call_id": "a", "output": "interrupted"}
        assert texts(load_bytes(output)) == ["one", "a", "a", "two"]

    def test_dead_calls_in_a_replacement_history_are_closed_there(self) -> None:
        """Behind its line the result would stand after everything in it."""
        before = load(compacted(said("one"), *called("a", None), said("two")), *typed("three"))
        closing = Message("tool", (Part("result", "interrupted", call_id="a"),), synthetic="closing")
        output = dump(before.with_messages([*before.messages[:2], closing, *before.messages[2:]]))
        assert texts(load_bytes(output)) == ["one", "a", "a", "two", "three"]

    def test_copies_in_events_shrink_too(self) -> None:
        """Else the file would not get smaller; commands and other calls' events stay."""
        long = "long " * 50
        ended = event("exec_command_end", call_id="a", command=["sh", long], aggregated_output=long, exit_code=0)
        done = {"type": "McpToolCall", "id": "a", "result": {"content": [{"type": "text", "text": long}]}}
        other = event("exec_command_end", call_id="b", stdout=long)
        before = load(*typed("one"), *called("a", long), ended, event("item_completed", item=done), other)
        end, completed, untouched = objects(dump(shortened(before, "a")))[-3:]
        assert (end["payload"]["aggregated_output"], end["payload"]["command"][1]) == ("short", long)
        assert completed["payload"]["item"]["result"]["content"][0]["text"] == "short"
        assert untouched["payload"]["stdout"] == long

    def test_the_newest_usage_follows_the_context(self) -> None:
        """On resume the client compacts at once what it takes for full."""
        before = load(*typed("one"), *called("a", "long " * 400), count(900, 100), said("done", "assistant"))
        output = dump(shortened(before, "a"))
        *_, last = objects(output)
        usage = last["payload"]["info"]["last_token_usage"]
        assert usage["input_tokens"] == 0
        assert 0 < usage["total_tokens"] < 300
        assert load_bytes(output).usage is None
        again = dump(shortened(load_bytes(output), "a", "s"))
        assert len(objects(again)) == len(objects(output))

    def test_without_recorded_usage_none_is_invented(self) -> None:
        """The client then counts for itself."""
        before = load(*typed("one"), *called("a", "long " * 400))
        assert len(objects(dump(shortened(before, "a")))) == len(objects(rollout(*typed("one"), *called("a"))))


class TestCarrier:
    """How a compaction is recorded."""

    def test_context_then_ours_then_what_stood_apart(self) -> None:
        """Without the initial context it vanishes from the request; without a task the model has none."""
        before = load(*TALK, *MORE)
        output = dump(cut(before, 3, pinned=(3,)))
        again = load_bytes(output)
        rules, environment = (one["payload"]["content"][0]["text"] for one in (RULES, ENVIRONMENT))
        developer = DEVELOPER["payload"]["content"][0]["text"]
        long = "long " * 50
        assert texts(again) == [developer, rules, environment, NOTICE.text, "one", "b", "b", "second"]
        assert [message.result.text for message in again.messages if message.result] == [long]
        assert dump(again) == output

    def test_only_the_thread_and_one_user_line_stay_before_it(self) -> None:
        """What belonged to a turn leaves with it; Codex lists no thread without a user's event."""
        named = event("thread_name_updated", name="mine")
        kinds = [one["type"] for one in objects(dump(cut(load(named, *TALK, *MORE), 3)))]
        assert kinds[:4] == ["session_meta", "event_msg", "event_msg", "compacted"]
        assert "turn_context" in kinds[4:]

    def test_kept_history_stays_before_it(self) -> None:
        """`--in-place` forgets nothing."""
        before = load(*TALK, *MORE)
        output = dump(cut(before, 3), keep_history=True)
        at = next(number for number, one in enumerate(objects(output)) if one["type"] == "compacted")
        assert b"\n".join(output.split(b"\n")[:at]) == b"\n".join(before.records[:at])
        assert texts(load_bytes(output)) == texts(load_bytes(dump(cut(before, 3))))

    def test_the_newest_state_moves_behind_it(self) -> None:
        """The client compares the next turn with it; the old numbering would be wrong there."""
        state = line("world_state", {"full": True, "state": {"cwd": "/a"}})
        change = line("world_state", {"full": False, "state": {"cwd": "/b"}})
        old = line("world_state", {"full": True, "state": {"cwd": "/0"}})
        numbered = [{**one, "ordinal": number} for number, one in enumerate([old, *TALK, state, change, *MORE])]
        lines = objects(dump(cut(load(*numbered), 3)))
        at = next(number for number, one in enumerate(lines) if one["type"] == "compacted")
        moved = lines[at + 1 : at + 4]
        assert [one["payload"].get("state", {}).get("cwd") for one in moved] == ["/a", "/b", None]
        assert not any("ordinal" in one for one in lines[at : at + 4])
        assert all("ordinal" in one for one in lines[at + 4 :])

    def test_the_tail_is_the_same_bytes(self) -> None:
        """What nobody touched stays as it is."""
        before = load(*TALK, *MORE)
        start = before.messages[-3].records[0]
        assert dump(cut(before, 3)).endswith(b"\n" + b"\n".join(before.records[start:]))

    def test_an_encrypted_compaction_goes_into_the_next(self) -> None:
        """It stays the only copy of what it holds."""
        before = load(compacted(said("one"), item("compaction", encrypted_content="gAAA")), *TALK, *MORE)
        again = load_bytes(dump(cut(before, 3)))
        assert any("gAAA" in part.text for message in again.messages for part in message.parts)

    def test_what_stood_apart_takes_its_edits_along(self) -> None:
        """A kept result may be shortened and moved in one run."""
        before = load(*TALK, *MORE)
        kept = [message for message in before.messages if message.calls or message.result][:2]
        short = shortened(before.with_messages(kept), "a", "s").messages
        again = load_bytes(dump(before.with_messages([*short, NOTICE, *before.messages[-1:]])))
        assert [message.result.text for message in again.messages if message.result] == ["s"]

    def test_rebuilt_words_are_carried_as_the_client_rebuilds_them(self) -> None:
        """The file has them longer, or in several pieces."""
        before = load(*CASES["compaction without history, long words"])
        after = before.with_messages([*before.messages[:3], NOTICE, *before.messages[-1:]])
        assert texts(load_bytes(dump(after))) == [NOTICE.text, *texts(before)[:3], "second"]

    def test_rolled_back_turns_leave_the_tail(self) -> None:
        """Read again, their rollback could take the carrier back."""
        lines = [*typed("one"), said("first", "assistant"), *typed("two"), said("second", "assistant")]
        before = load(*lines, *typed("three"), event("thread_rolled_back", num_turns=1), *typed("four"))
        output = dump(before.with_messages([NOTICE, *before.messages[2:]]))
        assert texts(load_bytes(output)) == [NOTICE.text, "two", "second", "four"]
        assert b"three" not in output

    def test_a_tail_of_nothing_is_possible(self) -> None:
        """`--until` the end leaves slots and a summary."""
        before = load(*TALK)
        again = load_bytes(dump(cut(before, 0)))
        assert again.messages[-1].text == NOTICE.text

    def test_the_same_input_gives_the_same_bytes(self) -> None:
        """Nothing in it is drawn by lot or taken from the clock."""
        assert dump(cut(load(*TALK, *MORE), 3)) == dump(cut(load(*TALK, *MORE), 3))

    def test_invalid_text_does_not_spread(self) -> None:
        """A moved item with bytes that are no UTF-8 may not make the carrier unreadable."""
        data = rollout(*TALK, *MORE).replace(b"Be brief.", b"Be \xffbrief.")
        again = load_bytes(dump(cut(load_bytes(data), 3)))
        assert any("Be \ufffdbrief." in message.text for message in again.messages)

    @pytest.mark.parametrize("torn", [b'{"type":"response_item","payl', b"", b"\n\n"])
    def test_damage_at_the_end_stays_at_the_end(self, torn: bytes) -> None:
        """A line behind a torn one would be lost with it."""
        data = rollout(*TALK, *MORE, count(900, 10)) + torn
        output = dump(cut(load_bytes(data), 3))
        assert output.endswith(b"\n" + torn)
        assert texts(load_bytes(output)) == texts(load_bytes(dump(cut(load_bytes(rollout(*TALK, *MORE)), 3))))
