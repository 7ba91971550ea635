"""What one run writes the next run recognises, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cortex_cli import marks
from cortex_cli.marks import Bookend, Notice, Stub, Summary

SIDES = st.text(alphabet="ab \n.[]~", max_size=60)


@given(SIDES, SIDES, st.integers(0, 10**9), st.booleans(), st.sampled_from(["", "kept: 1\nkept: 2"]))
def test_bookends_are_read_back(head: str, tail: str, tokens: int, is_cap: bool, lines: str) -> None:
    """The sum of what was removed is carried from run to run."""
    bookend = Bookend(head, tail, tokens, "" if is_cap else lines, is_cap=is_cap)
    assert marks.parse_result(marks.bookend_text(bookend)) == bookend


@pytest.mark.parametrize("ref", ["/tmp/a b.txt", "./x.txt", "r-4f2a", "C:\\out.txt"])
@pytest.mark.parametrize("lines", ["", "error: 1"])
def test_references_are_read_back(ref: str, lines: str) -> None:
    """A result that shrinks further must still say where its original is."""
    header = marks.persisted_header(ref, chars=9_000, tokens=2_000, tool="Bash")
    inner = Bookend("head", "tail", 7, lines, ref=ref, header=header)
    found = marks.parse_result(marks.bookend_text(inner))
    assert found == inner
    assert marks.known_ref(found) == ref
    cap = Bookend("head", "tail", 7, is_cap=True, footer=marks.persisted_footer(ref))
    found = marks.parse_result(marks.bookend_text(cap))
    assert found == cap
    assert marks.known_ref(found) == ref
    for removal in ("placeholder", "clear"):
        stub = marks.stub_text(removal, tool="Bash", preview='say "x"', has_findings=True, ref=ref)
        assert marks.parse_result(stub) == Stub(ref)


def test_exact_texts() -> None:
    """These forms are a contract with other tools and earlier runs."""
    assert marks.bookend_text(Bookend("h", "t", 5)) == "h\n\n... [~5 tokens trimmed] ...\n\nt"
    assert marks.bookend_text(Bookend("h", "t", 5, is_cap=True)) == "h\n\n... [~5 tokens trimmed at insertion] ...\n\nt"
    assert marks.bookend_text(Bookend("h", "t", 5, "l1\nl2")) == (
        "h\n\n... [~5 tokens trimmed; lines kept:] ...\nl1\nl2\n... [end of kept lines] ...\n\nt"
    )
    header = marks.persisted_header("/r", chars=10, tokens=3, tool="Bash")
    assert marks.bookend_text(Bookend("h", "t", 5, ref="/r", header=header)) == (
        "[Result persisted: /r (10 chars, ~3 tokens) -- Bash]\n\n"
        "h\n\n... [~5 tokens trimmed; full content at /r] ...\n\nt"
    )
    assert marks.persisted_footer("/r") == "\n\n[Full content persisted to /r -- use Read to access]"
    assert marks.persisted_footer("k1") == "\n\n[Full content persisted to k1 -- run `cortex recall --id k1` to access]"
    assert marks.image_text("image/png", 1_600) == "[image removed: image/png, ~1600 tokens]"
    assert marks.notice_text(Notice(3, 40)) == "[cortex: 3 earlier messages (~40 tokens) removed to fit]"


def test_exact_stubs() -> None:
    """The words differ with what follows and with where the original is."""
    fields = {"tool": "Read", "preview": "abc"}
    assert marks.stub_text("placeholder", **fields, has_findings=True) == (
        '[Tool result trimmed -- Read: "abc" -- see assistant response below for findings]'
    )
    assert marks.stub_text("placeholder", tool="", preview="abc", has_findings=False) == (
        '[Tool result trimmed -- unknown: "abc"]'
    )
    assert marks.stub_text("clear", **fields, has_findings=True) == "[Tool result cleared]"
    assert marks.stub_text("placeholder", **fields, has_findings=True, ref="/r") == (
        '[Tool result persisted -- Read: "abc" -- use Read on /r for full content]'
    )
    assert marks.stub_text("clear", **fields, has_findings=True, ref="k1") == (
        "[Tool result persisted -- Read -- run `cortex recall --id k1` for full content]"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "... [~5 tokens trimmed] ...",
        "a quote:\n\n... [~5 tokens trimmed] ...\n\n" + "and much more text after it " * 10,
        "a\n\n... [~5 tokens trimmed; lines kept:] ...\nno end of them",
        "a\n\n... [~5 tokens trimmed] ...\nb",
        "[Tool result cleared] and more",
        "said [Tool result cleared]",
        "[Tool result trimmed",
    ],
)
def test_other_texts_are_not_ours(text: str) -> None:
    """A result that quotes a mark is a result like any other."""
    assert marks.parse_result(text) is None


def test_a_quoted_mark_does_not_hide_our_own() -> None:
    """The real middle is the one with equal sides."""
    head = "see\n\n... [~5 tokens trimmed] ...\n\n" + "x" * 400
    found = marks.parse_result(marks.bookend_text(Bookend(head, "y" * len(head), 99)))
    assert isinstance(found, Bookend)
    assert found.tokens == 99


def test_images_behind_a_text() -> None:
    """What stands for images is no part of what the tool said."""
    line = marks.image_text("image/png", 10)
    assert marks.split_images(f"text\n{line}\n{line}") == ("text", f"\n{line}\n{line}")
    assert marks.split_images(line) == ("", line)
    assert marks.split_images(f"text {line}") == (f"text {line}", "")
    assert marks.split_images("costs 5 tokens]") == ("costs 5 tokens]", "")


def test_synthetic_kinds() -> None:
    """Only a whole text of ours is ours."""
    summary = marks.summary_text(Summary("2026-01-01T00:00:00Z", 4, "what was"))
    assert marks.synthetic_kind(summary) == "summary"
    assert marks.parse_summary(summary) == Summary("2026-01-01T00:00:00Z", 4, "what was")
    assert marks.synthetic_kind(marks.notice_text(Notice(1, 2))) == "notice"
    assert marks.synthetic_kind("I wrote " + marks.notice_text(Notice(1, 2))) == ""
    assert marks.parse_notice("no") is None
    assert marks.parse_summary("no") is None


LINE = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="<\n\r"), min_size=1, max_size=20)
LOGS = st.builds(marks.Log, LINE, LINE | st.just(""), LINE | st.just(""), LINE | st.just(""))


@given(LOGS, st.text(max_size=30))
def test_a_log_is_read_back_alone_and_in_front_of_a_text(log: marks.Log, said: str) -> None:
    """A second run extends it, wherever the format put it; what it says never decides where it ends."""
    text = marks.log_text(log)
    assert marks.parse_log(text) == log
    assert marks.synthetic_kind(text) == "log"
    if not said.startswith(("<compaction-summary ", "[cortex: ", marks.LOG_OPENING, "<current-task>", "<suggested-")):
        assert marks.split_own(f"{text}\n\n{said}") == ([text], said)


def test_a_log_that_grows_keeps_its_beginning() -> None:
    """So that a prompt cache still knows it."""
    log = marks.Log("* one", "task", "response", "`cortex recall`")
    grown = log._replace(observations="* one\n\n* two", current_task="another")
    text = marks.log_text(log)
    assert marks.log_text(grown).startswith(text[: text.index("\n</observations>")])


@pytest.mark.parametrize("text", ["[Memory of this conversation]", "[Memory of this conversation]\nwas lost"])
def test_what_only_begins_as_a_log_is_no_log(text: str) -> None:
    """Somebody may quote it."""
    assert marks.parse_log(text) is None
    assert marks.synthetic_kind(text) == ""
    assert marks.split_own(text) == ([], text)
