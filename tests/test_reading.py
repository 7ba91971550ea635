"""A transcript as Markdown that no text in it can break out of."""

from cortex_cli.messages import Media
from cortex_cli.reading import HEAD_LINES, TAIL_LINES, excerpt, heading, to_markdown
from tests.conftest import assistant, call, result, thinking, transcript, user


def _markdown(*messages: object, full: bool = False) -> str:
    made = transcript(*messages, path="s.jsonl")  # type: ignore[arg-type]
    return "".join(to_markdown(made, made.messages, full=full))


def test_every_kind_of_part_can_be_read() -> None:
    """Nothing that the model was sent is left out in silence."""
    picture = result("c1", "see")
    picture = picture._replace(parts=(picture.parts[0]._replace(media=(Media("image/png", 1500),)),))
    text = _markdown(user("please"), assistant(thinking("hm"), "yes", call("Read", "c1")), picture)
    for piece in ("# s.jsonl", "please", "> hm", "yes", "**Read**", '{"path":"a.py"}', "[image/png, ~1500 tokens]"):
        assert piece in text


def test_fences_are_longer_than_what_they_hold() -> None:
    """A result with a code block in it would end its own block."""
    text = _markdown(user("go"), assistant(call("Read", "c1")), result("c1", "````\ncode\n````"))
    assert "`````\n````\ncode\n````\n`````" in text


def test_long_results_are_shortened_unless_asked() -> None:
    """A transcript is read for what was said; the lines left out are counted."""
    lines = [f"line {number}" for number in range(100)]
    head, left_out, tail = excerpt("\n".join(lines))
    assert (head, tail) == (lines[:HEAD_LINES], lines[-TAIL_LINES:])
    assert left_out == 100 - HEAD_LINES - TAIL_LINES
    conversation = (user("go"), assistant(call("Read", "c1")), result("c1", "\n".join(lines)))
    assert "line 50" not in _markdown(*conversation)
    assert f"... {left_out} lines ..." in _markdown(*conversation)
    assert "line 50" in _markdown(*conversation, full=True)


def test_headings_name_position_role_time_and_id() -> None:
    """They are what --from and --until take."""
    made = transcript(user("hi", time="2026-01-02T00:00:00Z", id="u-1"), user("<system-reminder>x</system-reminder>"))
    assert heading(made.messages[0]) == "0 · User · 2026-01-02T00:00:00Z · u-1"
    assert heading(made.messages[1]) == "1 · User (machine text)"
