"""How one result is shortened: forms, sums, JSON, images, archive."""

import json
from typing import Any

import pytest

from cortex_cli.layers.results import MARK_CHARS, Ask, bookend_chars, shorten
from cortex_cli.layers.view import Persist
from cortex_cli.marks import Bookend, Stub, parse_result
from cortex_cli.messages import Media, Message, Part
from cortex_cli.tokens import HeuristicCounter

COUNTER = HeuristicCounter()
LONG = "".join(f"row {at} of the table, nothing to see\n" for at in range(300))


def shortened(text: str, ask: Ask, persist: Persist | None = None, **fields: Any) -> Part | None:
    """Shorten a result of the given text."""
    done = shorten(Message("tool", (Part("result", text, **fields),)), 0, ask, COUNTER, persist)
    return done.message.parts[0] if done else None


def text_of(text: str, ask: Ask, persist: Persist | None = None, **fields: Any) -> str:
    """Shorten a result that can be, and return its new text."""
    part = shortened(text, ask, persist, **fields)
    assert part
    return part.text


def bookend_of(text: str) -> Bookend:
    """Read a bookend back."""
    found = parse_result(text)
    assert isinstance(found, Bookend)
    return found


OBJECT = {"rows": [LONG[:5_000], LONG[:300], "short"], "n": 1}


@pytest.mark.parametrize(
    ("text", "is_json"),
    [
        (LONG, False),
        ("short", False),
        (json.dumps({"output": LONG, "code": 0}), True),
        (json.dumps(OBJECT), True),
        (json.dumps([7] * 900), True),
    ],
    ids=["text", "short", "field", "strings", "numbers"],
)
@pytest.mark.parametrize("chars", [40, 256, 2_000])
def test_the_size_of_a_bookend_is_known_before_it_is_made(text: str, is_json: bool, chars: int) -> None:
    """What is planned by it would have to be planned again. Three strings at most have a mark each."""
    made = shortened(text, Ask("bookend", chars), json=is_json)
    left = len(made.text) if made else len(text)
    assert left - MARK_CHARS // 4 <= bookend_chars(Part("result", text, json=is_json), chars) <= left + 3 * MARK_CHARS


def test_a_further_bookend_keeps_the_sum() -> None:
    """The number says how much of the original is gone, not of the last form."""
    first = bookend_of(text_of(LONG, Ask("bookend", 400)))
    again = bookend_of(text_of(text_of(LONG, Ask("bookend", 400)), Ask("bookend", 100)))
    assert again.head == LONG[:100]
    assert again.tail == LONG[-100:]
    sides = sum(COUNTER.count_text(one) for one in (first.head, first.tail))
    assert again.tokens == first.tokens + sides - 2 * 25


@pytest.mark.parametrize("ask", [Ask("bookend", 400), Ask("bookend", 401), Ask("bookend", 2_000), Ask("cap", 400)])
def test_ours_is_never_made_the_same_or_weaker(ask: Ask) -> None:
    """A second run over the same file must find nothing to do."""
    assert shortened(text_of(LONG, Ask("bookend", 400)), ask) is None


def test_a_bookend_becomes_a_placeholder_that_quotes_the_original() -> None:
    """The preview is of the result, not of our line in front of it."""
    kept = text_of(LONG, Ask("bookend", 100), lambda *_: "r1")
    stub = text_of(kept, Ask("placeholder", tool="Read"))
    assert stub.startswith('[Tool result persisted -- Read: "row 0 of the table')
    assert parse_result(stub) == Stub("r1")


@pytest.mark.parametrize("action", ["placeholder", "clear"])
def test_a_stub_stays_what_it_is(action: Any) -> None:
    """Nothing is left to take away."""
    stub = text_of(LONG, Ask(action))
    for other in ("placeholder", "clear", "cap", "bookend"):
        assert shortened(stub, Ask(other, 0)) is None  # type: ignore[arg-type]


def test_the_preview_is_one_trimmed_line() -> None:
    """Eighty characters, whatever line ends they held."""
    text = "  a\r\nb\n" + "c" * 500
    assert text_of(text, Ask("placeholder", tool="Bash")).startswith('[Tool result trimmed -- Bash: "a  b ' + "c" * 73)


def test_a_capped_result_is_never_capped_again() -> None:
    """The mark itself is longer than nothing: 64 characters of slack."""
    assert shortened(text_of("x" * 900, Ask("cap", 400)), Ask("cap", 400)) is None
    assert shortened("x" * 864, Ask("cap", 400)) is None


def test_sides_of_no_length_leave_the_number() -> None:
    """The last rung of `--fit` asks for bookends of 0."""
    assert text_of(LONG, Ask("bookend", 0)) == f"\n\n... [~{COUNTER.count_text(LONG)} tokens trimmed] ...\n\n"


def test_rescued_lines_count_against_the_sides() -> None:
    """Head, lines and tail together are no longer than a plain bookend, the lines at most a third."""
    text = LONG + "FATAL: out of disk on /dev/sda1\n" + LONG
    found = bookend_of(text_of(text, Ask("bookend", 300, rescue=True)))
    assert "FATAL: out of disk on /dev/sda1" in found.lines
    assert found.kept_chars <= 600
    assert len(found.lines) <= 200
    kept = (found.head, found.lines, found.tail)
    assert found.tokens == COUNTER.count_text(text) - sum(map(COUNTER.count_text, kept))


def test_rescued_lines_survive_a_further_bookend() -> None:
    """What was worth keeping once is looked at again, with less room."""
    text = LONG + "FATAL: out of disk on /dev/sda1\n" + LONG
    first = text_of(text, Ask("bookend", 300, rescue=True))
    again = bookend_of(text_of(first, Ask("bookend", 150, rescue=True)))
    assert "FATAL: out of disk on /dev/sda1" in again.lines
    assert again.kept_chars <= 300


@pytest.mark.parametrize("first", [120, 400, 900])
@pytest.mark.parametrize("share", [0.4, 0.7, 0.95])
def test_the_ends_stay_the_original_s_however_often_it_is_shortened(first: int, share: float) -> None:
    """Lines kept between them are no part of either, also where little is left of the ends."""
    rows = [f"[{at:03}] step {at * 7919 % 1000} of the build went well enough" for at in range(300)]
    rows[90] = "[090] ERROR: /srv/app/cache.db is locked by process 4711, gave up after 30 s of waiting for it"
    rows[210] = "[210] ERROR: checksum of layer sha256:9f2c71aa03 does not match what the registry said it was"
    text = "\n".join(rows)
    once = text_of(text, Ask("bookend", first, rescue=True))
    again = bookend_of(text_of(once, Ask("bookend", int(first * share), rescue=True)))
    assert text.startswith(again.head)
    assert text.endswith(again.tail)
    assert set(again.lines.split("\n")) <= {*rows, ""}


def test_the_one_text_of_an_object_is_edited_and_the_rest_keeps_its_bytes() -> None:
    """Exit codes and durations beside the output are worth their few tokens, spelled as they were."""
    text = '{"output":' + json.dumps(LONG) + ',"metadata":{"exit_code":0,"duration_seconds":1.50}}'
    short = text_of(text, Ask("bookend", 100))
    assert short.endswith(',"metadata":{"exit_code":0,"duration_seconds":1.50}}')
    assert bookend_of(json.loads(short)["output"]).head == LONG[:100]
    assert shortened(short, Ask("bookend", 100)) is None
    stub = text_of(short, Ask("clear"))
    assert json.loads(stub)["output"] == "[Tool result cleared]"
    assert shortened(stub, Ask("clear")) is None


def test_an_object_that_says_its_piece_elsewhere_is_not_trusted() -> None:
    """`{"result": "ok", "rows": [...]}` would not get smaller through its result."""
    text = json.dumps({"result": "ok", "rows": [LONG]})
    assert not text_of(text, Ask("bookend", 100)).startswith('{"result": "[')
    value = json.loads(text_of(text, Ask("bookend", 100), json=True))
    assert value["result"] == "ok"
    assert bookend_of(value["rows"][0]).tokens > 0


def test_of_other_objects_the_longest_strings_shrink_first() -> None:
    """Short strings say as much for less."""
    text = json.dumps({"a": LONG, "b": "short", "c": LONG[:600], "d": 1.50}, separators=(",", ":"))
    value = json.loads(text_of(text, Ask("bookend", 1_000), json=True))
    assert value["b"] == "short"
    assert value["c"] == LONG[:600]
    assert len(value["a"]) < 1_200
    harder = json.loads(text_of(text, Ask("bookend", 200), json=True))
    assert len(harder["c"]) < 300
    assert len(harder["a"]) < 300


def test_an_object_carries_one_placeholder() -> None:
    """One quotation is enough to know what it was."""
    text = json.dumps({"a": LONG, "b": "short", "c": LONG[:900]})
    value = json.loads(text_of(text, Ask("placeholder", tool="api"), json=True))
    assert value["a"].startswith('[Tool result trimmed -- api: "row 0')
    assert value["b"] == "short"
    assert value["c"] == "[Tool result cleared]"
    assert shortened(json.dumps(value), Ask("placeholder", tool="api"), json=True) is None


def test_json_without_strings_is_left_alone() -> None:
    """Numbers cannot be shortened without lying."""
    assert shortened(json.dumps(list(range(1_000))), Ask("bookend", 10), json=True) is None


def test_images_go_and_leave_a_line() -> None:
    """An old screenshot costs more than all that was said about it."""
    media = (Media("image/png", 1_500, 1), Media("image/jpeg", 700, 2))
    part = shortened("two pictures", Ask("bookend", 400), media=media)
    assert part
    assert part.media == ()
    assert part.text == (
        "two pictures\n[image removed: image/png, ~1500 tokens]\n[image removed: image/jpeg, ~700 tokens]"
    )
    assert shortened(part.text, Ask("bookend", 400)) is None


def test_lines_of_images_stay_behind_a_bookend_until_a_placeholder_comes() -> None:
    """They are no part of the text that is cut."""
    media = (Media("image/png", 1_500, 1),)
    first = text_of(LONG, Ask("bookend", 200), media=media)
    assert first.endswith("\n[image removed: image/png, ~1500 tokens]")
    again = text_of(first, Ask("bookend", 100))
    assert again.endswith(LONG[-100:] + "\n[image removed: image/png, ~1500 tokens]")
    assert "image" not in text_of(again, Ask("placeholder"))


def test_images_in_an_object_leave_their_line_in_its_longest_string() -> None:
    """There is no other place for it, and the value stays JSON."""
    media = (Media("image/png", 1_500, 1),)
    part = shortened('{"a":"picture","b":1}', Ask("bookend", 400), media=media, json=True)
    assert part
    assert json.loads(part.text)["a"] == "picture\n[image removed: image/png, ~1500 tokens]"
    assert shortened('{"b":1}', Ask("bookend", 400), media=media, json=True) is None


def test_caps_leave_images() -> None:
    """The newest picture has not been looked at yet."""
    part = shortened(LONG, Ask("cap", 100, with_media=False), media=(Media("image/png", 9, 1),))
    assert part
    assert part.media


def test_archived_forms() -> None:
    """The reader is told where the original is, and which tool opens it."""
    seen: list[tuple[object, ...]] = []

    def persist(*given: object) -> str:
        seen.append(given)
        return "/keep/1.txt"

    text = text_of(LONG, Ask("bookend", 100, tool="Bash", category="non-reproducible"), persist, call_id="c1")
    assert seen == [(LONG, "Bash", "non-reproducible", "c1", -1)]
    tokens = COUNTER.count_text(LONG)
    assert text.startswith(f"[Result persisted: /keep/1.txt ({len(LONG)} chars, ~{tokens} tokens) -- Bash]\n\nrow 0")
    assert "tokens trimmed; full content at /keep/1.txt] ..." in text
    cap = text_of(LONG, Ask("cap", 100), persist)
    assert cap.endswith("\n\n[Full content persisted to /keep/1.txt -- use Read to access]")
    again = text_of(cap, Ask("bookend", 50), lambda *_: pytest.fail("archived twice"))
    assert again.endswith("\n\n[Full content persisted to /keep/1.txt -- use Read to access]")


def test_what_the_archive_does_not_take_is_shortened_all_the_same() -> None:
    """An archive that fails on one item costs only the reference."""
    assert text_of(LONG, Ask("clear"), lambda *_: "") == "[Tool result cleared]"


def test_nothing_is_archived_for_a_replacement_that_is_not_made() -> None:
    """Only what goes is put away."""
    assert shortened("tiny", Ask("placeholder"), lambda *_: pytest.fail("archived")) is None


def test_a_reference_is_left_out_where_it_would_make_the_result_larger() -> None:
    """The original is in the archive either way, and tokens never rise."""
    assert text_of("x" * 90, Ask("clear"), lambda *_: "k" * 200) == "[Tool result cleared]"


@pytest.mark.parametrize(
    "text", ["{" + LONG + "}", '{"output":1,"content":"' + "x" * 3_000 + '"', '["' + "x" * 3_000 + '"]']
)
def test_what_only_looks_like_an_object_is_plain_text(text: str) -> None:
    """Source code begins and ends with braces too; a list has no text of its own."""
    assert bookend_of(text_of(text, Ask("bookend", 100))).head == text[:100]
