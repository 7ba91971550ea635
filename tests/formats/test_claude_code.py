"""Claude Code sessions are read as the client reads them on resume; `tests/clients` asks the client itself."""

import json
from pathlib import Path

import pytest

from cortex_cli.errors import InputError
from cortex_cli.formats import claude_code
from cortex_cli.formats.source import Source
from cortex_cli.marks import ACKNOWLEDGEMENT, INTERRUPTED, Notice, notice_text
from cortex_cli.messages import Transcript
from tests.claude_sessions import SESSION_ID, Session, line, uuid_of

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def load(session: Session | bytes, path: str = "s.jsonl") -> Transcript:
    """Read a session."""
    return claude_code.load(Source(session if isinstance(session, bytes) else session.data(), path))


def said(session: Session | bytes) -> list[str]:
    """Return the live path in short: texts as they are, calls and results by id, `~` before thinking."""
    marks = {"text": "", "call": "+", "result": "=", "thinking": "~"}
    return [
        marks.get(part.kind, part.kind) + (part.text if part.kind in ("text", "thinking") else part.call_id)
        for message in load(session).messages
        for part in message.parts
    ]


def start() -> Session:
    """Begin a session with one finished turn."""
    return Session().user("go", name="go").call("t1").result("t1").assistant("there", name="there")


def test_the_newest_branch_is_the_conversation() -> None:
    """What the user went back over is in the file and was never said."""
    session = Session().user("one", name="one").assistant("dead").user("dead too")
    assert said(session.at("one").assistant("alive").user("two")) == ["one", "alive", "two"]


def test_the_file_not_the_clock_says_what_is_newest() -> None:
    """Clocks go backwards; the client takes the last line."""
    session = Session().user("one", name="one").assistant("dead", timestamp="2027-01-01T00:00:00.000Z")
    assert said(session.at("one").assistant("alive")) == ["one", "alive"]


def test_parallel_results_beside_the_path_are_put_back() -> None:
    """Without them half of all real sessions would have unpaired calls."""
    session = Session().user("go").thinking("hm", "a").call("c1", "a", name="c1").call("c2", "a", name="c2")
    session.result("c2", parent="c2", name="r2").result("c1", parent="c1").at("r2").assistant("both")
    assert said(session) == ["go", "~hm", "+c1", "+c2", "=c2", "=c1", "both"]


def test_meta_text_below_a_result_beside_the_path_comes_with_it() -> None:
    """Hooks write there; what somebody said there does not count."""
    session = Session().user("go").call("c1", "a", name="c1").call("c2", "a", name="c2")
    session.result("c1", parent="c1").meta("a hook").progress().meta("another").user("dead")
    session.result("c2", parent="c2").assistant("both")
    assert said(session) == ["go", "+c1", "+c2", "=c1", "=c2", "a hook", "another", "both"]


def test_one_answer_is_one_message_over_its_records() -> None:
    """A cut between its thinking and its call would make the request invalid."""
    session = Session().user("go").thinking("hm", "a").assistant("I look", "a").call("c1", "a").result("c1")
    messages = load(session).messages
    assert [message.role for message in messages] == ["user", "assistant", "tool"]
    assert messages[1].records == (1, 2, 3)
    assert messages[2].parts[0].name == "Bash"


def test_an_answer_goes_on_behind_its_first_results() -> None:
    """Calls run while the answer is still being written: calls first, then the results."""
    session = Session().user("go").call("c1", "a").result("c1").assistant("and", "a").call("c2", "a").result("c2")
    assert [len(message.parts) for message in load(session).messages] == [1, 3, 1, 1]
    assert said(session) == ["go", "and", "+c1", "+c2", "=c1", "=c2"]


def test_scrubbed_ids_do_not_join_answers() -> None:
    """A scrubber of secrets wrote the same id everywhere; the requests still differ."""
    session = Session().user("go").call("c1", "REDACTED", request="r1").result("c1")
    session.call("c2", "REDACTED", request="r2").result("c2").assistant("done", "REDACTED", request="r3")
    assert "".join(message.role[0] for message in load(session).messages) == "uatata"


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        pytest.param(start().user("x").call("dead").user("y").assistant("z"), ["x", "y", "z"], id="dead call"),
        pytest.param(start().user("x").call("open", "a"), ["x", "+open"], id="open call at the end"),
        pytest.param(start().user("x").call("open").record("system", subtype="s"), ["x", "+open"], id="and a record"),
        pytest.param(start().user("x").call("dead").meta("m"), ["x", "m"], id="call before a word of the user's"),
        pytest.param(start().user("x").call("d").call("b").result("b"), ["x", "+d", "+b", "=b"], id="end in a turn"),
        pytest.param(start().user("x").call("d").call("open"), ["x", "+open"], id="two open answers"),
        pytest.param(start().user("x").thinking().user("y"), ["x", "y"], id="mere thinking"),
        pytest.param(start().user("x").assistant(" \n").user("y"), ["x", "y"], id="mere space"),
        pytest.param(start().user("x").user("  ").user([]).user("y"), ["x", "y"], id="user says nothing"),
        pytest.param(start().result("nobody").user("y"), ["y"], id="orphan"),
        pytest.param(start().user("x").call("c").result("c").result("c", "again"), ["x", "+c", "=c"], id="twice"),
        pytest.param(
            start().user("x").assistant("Error", model="<synthetic>", isApiErrorMessage=True).user("y"),
            ["x", "y"],
            id="error of the API",
        ),
    ],
)
def test_what_the_client_leaves_out_is_left_out(session: Session, expected: list[str]) -> None:
    """It mends what was interrupted whenever it resumes; we count what it sends and write nothing."""
    assert said(session) == ["go", "+t1", "=t1", "there", *expected]


def test_an_excerpt_of_results_alone_is_shown() -> None:
    """An empty conversation would hide that the file holds something."""
    assert said(Session().result("c1").result("c2")) == ["=c1", "=c2"]


@pytest.mark.parametrize(
    ("session", "typed"),
    [
        (Session().user("fix it"), True),
        (Session().user([{"type": "text", "text": "fix it"}]), True),
        (Session().meta("a skill's text"), False),
        (Session().user("<command-name>/clear</command-name>"), False),
        (Session().user("[Request interrupted by user for tool use]"), False),
        (Session().user("done: task 7", origin={"kind": "task-notification"}), False),
        (Session().user("the summary", isCompactSummary=True), False),
        (start().attachment("queued_command", prompt="and the tests", commandMode="prompt"), True),
        (start().attachment("queued_command", prompt="task 7", commandMode="task-notification"), False),
        (start().record("system", subtype="local_command", content="<local-command-stdout/>"), False),
    ],
)
def test_only_what_a_person_wrote_is_typed(session: Session, typed: bool) -> None:
    """Typed text is never dropped in silence; machine text must not pass for it."""
    message = load(session).messages[-1]
    assert (message.role, message.typed) == ("user", typed)


def test_attachments_in_a_row_are_one_message() -> None:
    """They are sent with what stands before them; as messages of their own they would push the tail out."""
    session = start().user("x").attachment("nested_memory", path="/a", content={"content": "rules"})
    session.attachment("total_tokens_reminder", text="99 left").attachment("never_heard_of", content="unsent")
    session.attachment("odd", rendered=[{"content": "<system-reminder>as sent</system-reminder>"}]).user("y")
    message = load(session).messages[5]
    assert message.text == (
        "<system-reminder>\n/a\nrules\n</system-reminder>\n<system-reminder>\n99 left\n</system-reminder>\n"
        "<system-reminder>as sent</system-reminder>"
    )
    assert not message.typed


def test_media_are_estimated() -> None:
    """Images are most of some sessions."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    file = {"type": "image", "file": {"base64": PIXEL, "type": "image/png"}}
    session = Session().user([{"type": "text", "text": "look"}, image]).attachment("file", filename="a", content=file)
    session.call("c1").result("c1", [{"type": "text", "text": "shot"}, image])
    media = [medium.type for message in load(session).messages for part in message.parts for medium in part.media]
    assert media == ["image/png"] * 3


def test_a_compaction_hides_what_stood_before() -> None:
    """The client starts at the newest boundary; its summary is not what anybody said."""
    session = start().boundary("first").user("x").boundary("second", name="b2").user("y").assistant("z")
    assert said(session) == ["second", "y", "z"]
    assert load(session).messages[0].synthetic == "summary"


def test_a_branch_from_before_a_compaction_is_read_whole() -> None:
    """The user went back: the boundary is not on the way any more. In large files it is all there is."""
    session = start().boundary().at("there").user("y").assistant("z")
    assert said(session) == ["go", "+t1", "=t1", "there", "y", "z"]
    session.raw({"type": "file-history-snapshot", "messageId": "m", "snapshot": "x" * 6_000_000})
    assert said(session) == ["what was said", "y", "z"]


def kept(**metadata: object) -> Session:
    """Compact a session that keeps some records."""
    session = (
        Session().user("go").assistant("sure").user("k1", name="k1").assistant("k2", name="k2").user("k3", name="k3")
    )
    return session.assistant("gone").boundary("summary", **metadata).user("y").assistant("z")


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"preservedSegment": {"headUuid": "k1", "anchorUuid": "boundary summary", "tailUuid": "k3"}}, "k1 k2 k3"),
        ({"preservedSegment": {"headUuid": "k1", "anchorUuid": "boundary summary", "tailUuid": "none"}}, ""),
        ({"preservedSegment": {"headUuid": "k3", "anchorUuid": "boundary summary", "tailUuid": "k1"}}, ""),
        ({"preservedMessages": {"anchorUuid": "boundary summary", "uuids": ["k1", "k3"]}}, "k1 k3"),
        ({"preservedMessages": {"anchorUuid": "boundary summary", "uuids": ["k1", "none"]}}, ""),
        ({"preservedMessages": {"anchorUuid": "boundary summary", "uuids": ["k1"], "allUuids": ["k2"]}}, ""),
        ({"preservedMessages": {"anchorUuid": "nowhere", "uuids": ["k1"]}}, ""),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_what_a_compaction_preserved_follows_its_summary(
    metadata: dict[str, object], expected: str, large: bool
) -> None:
    """All of it or, where one record is missing, nothing."""
    named = json.loads(json.dumps(metadata), object_hook=_with_ids)
    session = kept(**named)
    if large:
        session.raw({"type": "file-history-snapshot", "messageId": "m", "snapshot": "x" * 6_000_000})
    assert said(session) == ["summary", *expected.split(), "y", "z"]


def _with_ids(value: dict[str, object]) -> dict[str, object]:
    return {
        key: uuid_of(inner)
        if isinstance(inner, str)
        else [uuid_of(one) for one in inner]
        if isinstance(inner, list)
        else inner
        for key, inner in value.items()
    }


def test_the_leaf_that_the_client_noted_decides() -> None:
    """It notes where it is; a newer branch that does not come from there is not the conversation."""
    session = Session().user("one", name="one").assistant("A", name="A").leaf("A").user("on A")
    assert said(session) == ["one", "A", "on A"]
    assert said(session.at("one").assistant("B")) == ["one", "A"]
    assert said(session.boundary("summary").user("y")) == ["summary", "y"]


def test_progress_and_unknown_records_are_stepped_over() -> None:
    """Old clients hung progress into the chain, newer ones may hang other things."""
    session = Session().user("one").progress().progress().assistant("two").record("future", payload=1).user("three")
    assert said(session) == ["one", "two", "three"]


def test_a_gap_is_bridged_by_the_clock() -> None:
    """A missing parent must not cost the conversation, nor join what has nothing to do with it."""
    session = start().user("y", parent="nowhere")
    assert said(session)[-2:] == ["there", "y"]
    assert "its parent" in load(session).warnings[0]
    late = start().user("y", parent="nowhere", timestamp="2026-10-01T12:00:00.000Z")
    assert said(late) == ["y"]


def test_side_chains_are_not_sent_but_an_agents_own_file_is_read() -> None:
    """There the side chain is the conversation; its task is nobody's typed word."""
    session = start().user("task", parent=None, isSidechain=True, branch=True)
    assert "task" not in said(session)
    agent = Session().user("task", isSidechain=True).assistant("found", isSidechain=True)
    messages = load(agent).messages
    assert [message.text for message in messages] == ["task", "found"]
    assert messages[0].slot
    assert not messages[0].typed


def test_circles_and_repeated_ids_end() -> None:
    """Damaged links must not hang the program; of two records with one id the later counts."""
    circle = Session().user("a", name="a", parent="c").assistant("b").user("c", name="c").assistant("d")
    assert said(circle) == ["a", "b", "c", "d"]
    twice = start().assistant("old", name="x").user("y")
    twice.lines.insert(5, twice.lines[4].replace(b"old", b"new"))
    assert said(twice)[-2:] == ["new", "y"]


def test_of_glued_objects_the_first_is_read() -> None:
    """Two writers at once; the client reads as far as it understands, and so do we. Nothing is lost."""
    session = start()
    glued = session.user("x").lines.pop() + session.assistant("lost").lines.pop()
    data = session.raw(glued).user("y").data()
    assert said(data)[-2:] == ["x", "y"]
    assert "s.jsonl:5: more than one object" in load(data).warnings[0]
    assert b"\n".join(load(data).records) == data
    for torn in (b"", b'{"torn', session.lines[-1][:30]):  # on the last line, too, whatever the second writer came to
        last = [*session.lines[:-2], glued + torn]
        assert said(b"\n".join(last))[-1] == "x"
        assert "s.jsonl:5: more than one object" in load(b"\n".join(last)).warnings[0]


def test_usage_and_model_of_the_newest_answer() -> None:
    """The overhead is measured from it; errors, zeros and the client's own answers say nothing."""
    usage = {"input_tokens": 3, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 100, "output_tokens": 7}
    session = (
        start().user("x").thinking(answer="a", usage=usage).assistant("y", "a", usage=usage, model="claude-haiku-4-5")
    )
    session.user("z").assistant("No response requested.", model="<synthetic>", usage={"input_tokens": 0})
    found = load(session)
    assert found.usage is not None
    assert (found.usage.tokens, found.usage.messages) == (130, 6)
    assert (found.model, found.session_id) == ("claude-haiku-4-5", SESSION_ID)


def test_usage_from_before_a_compaction_says_nothing_of_now() -> None:
    """A full window would be taken for this one's."""
    session = start().boundary()
    assert load(session.user("x")).usage is None
    assert load(session.assistant("y")).usage is not None


def test_the_session_is_the_one_the_file_is_named_after() -> None:
    """A forked session carries the old one's lines too."""
    other = "99999999-2222-4333-8444-555555555555"
    data = start().user("x", sessionId=other).data()
    assert load(data).session_id == other
    assert load(data, f"/home/dev/{SESSION_ID}.jsonl").session_id == SESSION_ID


def test_what_an_earlier_run_wrote_is_known_again() -> None:
    """Else a second run would add a second notice, or summarise its own summary."""
    session = start().boundary(notice_text(Notice(4, 900))).user("x").call("c").result("c", INTERRUPTED)
    assert [message.synthetic for message in load(session).messages] == ["notice", "", "", "closing"]
    tagged = '<compaction-summary generated="2026-01-01T00:00:00Z" turns-summarized="4">\nS\n</compaction-summary>'
    session = start().boundary(tagged).assistant(ACKNOWLEDGEMENT, model="<synthetic>").user("x")
    assert [message.synthetic for message in load(session).messages] == ["summary", "acknowledgement", ""]


def test_the_prompt_that_the_client_recorded_is_the_preamble() -> None:
    """It is sent with every call, and the file says it."""
    session = start().attachment("prompt_snapshot", systemPrompt=["be brief"], tools=[{"name": "Bash"}])
    assert load(session).preamble == ("be brief", '[{"name":"Bash"}]')


@pytest.mark.parametrize(
    ("record", "sure"),
    [
        ({"type": "user", "uuid": "u", "parentUuid": None}, True),
        ({"type": "summary", "summary": "s", "leafUuid": "u"}, True),
        ({"type": "file-history-snapshot", "messageId": "m", "snapshot": {}}, True),
        ({"type": "system", "subtype": "init", "session_id": "s", "uuid": "u"}, False),
        ({"type": "message", "id": "a", "parentId": None}, False),
        ({"type": "user", "content": "gemini", "id": "u"}, False),
    ],
)
def test_sessions_are_told_from_other_lines(record: dict[str, object], sure: bool) -> None:
    """Also from what `claude -p --output-format stream-json` prints."""
    assert (claude_code.detect(Source(line(record))) == 1) is sure


def test_anything_else_is_refused() -> None:
    """`--format claude-code` on another file."""
    with pytest.raises(InputError, match="not a Claude Code session"):
        load(b'{"role":"user","content":"hi"}')


def test_ids_of_two_records_are_a_problem() -> None:
    """The client would see only one of them; a line that was written twice does no harm."""
    session = start()
    session.lines.append(session.lines[-1])
    assert list(claude_code.check(load(session))) == []
    session.lines.append(session.lines[-1].replace(b"there", b"where"))
    assert [problem.rule for problem in claude_code.check(load(session))] == ["ids_are_unique"]


def test_every_shared_session_loads_without_a_word_of_damage(shared: Path) -> None:
    """Real files are not damaged; a warning for one would be noise."""
    for path in sorted((shared / "transcripts" / "claude-code").glob("??_*.jsonl")):
        transcript = load(path.read_bytes(), str(path))
        assert transcript.messages
        assert not [warning for warning in transcript.warnings if "kept as it is" in warning]
        assert transcript.session_id in path.name
