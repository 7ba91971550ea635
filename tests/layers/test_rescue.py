"""The one line of a long output that somebody will ask about is among those kept."""

import time

import pytest

from cortex_cli.layers.rescue import pick_lines

BUILD = [f"[{at % 100:3}%] Building CXX object src/core/CMakeFiles/core.dir/unit_{at}.cpp.o" for at in range(400)]
LISTING = [f"-rw-r--r-- 1 build build {4000 + at} Mar  3 10:{at % 60:02} part_{at}.log" for at in range(400)]
TESTS = [f"tests/test_mod{at}.py::test_case_{at} PASSED" for at in range(400)]
PROSE = ["the quick brown fox jumps over the lazy dog and goes home" for _ in range(400)]

PLANTED = {
    "error": "ld: cannot find -lssl3: linker exited",
    "path": "wrote report into /var/tmp/cx/out-7.tar.zst",
    "identifier": "request id 7f3a9c2e-11d4-4b2a-9d5e-0c6c1f2e9a77 accepted",
    "value": "max_connections = 512",
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED.keys())
@pytest.mark.parametrize("lines", [BUILD, LISTING, TESTS, PROSE], ids=["build", "listing", "tests", "prose"])
@pytest.mark.parametrize("place", [0.15, 0.5, 0.85])
def test_the_one_telling_line_is_kept(planted: str, lines: list[str], place: float) -> None:
    """A bookend without it would have lost what the result was about."""
    at = int(place * len(lines))
    text = "\n".join([*lines[:at], planted, *lines[at:]])
    assert planted in pick_lines(text, 1_000, len(text) - 1_000, 600)


def test_lines_that_are_all_alike_are_not_worth_the_room() -> None:
    """Then head and tail say more."""
    assert pick_lines("\n".join(PROSE), 500, 20_000, 600) == ()


def test_a_long_line_gives_its_telling_piece() -> None:
    """Minified JSON is one line."""
    text = '{"rows":[' + ",".join('{"name":"abc","state":"fine"}' for _ in range(900)) + ',{"error":"E4711 no disk"}'
    text += ",".join('{"name":"abc","state":"fine"}' for _ in range(900)) + "]}"
    assert any("E4711 no disk" in piece for piece in pick_lines(text, 1_000, len(text) - 1_000, 600))


def test_lines_stand_in_their_order_and_fit() -> None:
    """They are read as an excerpt."""
    text = "\n".join([*PROSE[:50], "error: b", *PROSE[:50], "error: a", *PROSE[:50], "warning: c", *PROSE[:50]])
    found = pick_lines(text, 100, len(text) - 100, 600)
    assert list(found) == ["error: b", "error: a", "warning: c"]
    assert sum(len(line) + 1 for line in pick_lines(text, 100, len(text) - 100, 45)) <= 45


def test_the_same_error_is_not_kept_many_times() -> None:
    """Fifty equal lines say what one says."""
    text = "\n".join(one for at in range(50) for one in (*PROSE[:5], f"error: cannot open part {at}"))
    assert len(pick_lines(text, 100, len(text) - 100, 600)) == 1


def test_lines_with_our_own_signs_are_left_out() -> None:
    """The form could not be read back."""
    text = "\n".join([*PROSE[:50], "error: ... [end of kept lines] ...", *PROSE[:50]])
    assert pick_lines(text, 100, len(text) - 100, 600) == ()


def test_pieces_of_one_line_stand_in_their_order_too() -> None:
    """They begin at the same place, that of their line."""
    rows = ",".join('{"name":"abc","state":"fine"}' for _ in range(200))
    text = f'[{rows},{{"zone":"eu-west-7"}},{rows},{{"error":"no disk"}},{rows}]'
    found = pick_lines(text, 1_000, len(text) - 1_000, 600)
    assert [text.index(piece) for piece in found] == sorted(text.index(piece) for piece in found)
    assert len(found) > 1


@pytest.mark.parametrize(("start", "end", "room"), [(0, 0, 600), (0, 30, 600), (0, 4_000, 39), (4_000, 10, 600)])
def test_no_room_no_lines(start: int, end: int, room: int) -> None:
    """Sizes at the edge are no errors."""
    assert pick_lines("error: x\n" * 1_000, start, end, room) == ()


def test_odd_characters_are_no_trouble() -> None:
    """Output is not always text."""
    text = "\ud83d\x00\u2028" * 100 + "\nerror: lone \udc00 surrogate\n" + "\u4e2d\u6587 " * 400
    assert "error: lone \udc00 surrogate" in pick_lines(text, 10, len(text) - 10, 600)


def test_cost_is_linear() -> None:
    """A megabyte of one line must not take a minute."""
    began = time.process_time()
    for text in ("x" * 3_000_000, "a\n" * 1_500_000, "error " * 500_000, "\n" * 3_000_000):
        pick_lines(text, 2_000, len(text) - 2_000, 1_300)
    assert time.process_time() - began < 5


def test_a_line_that_the_middle_begins_or_ends_in_is_a_whole_one() -> None:
    """Half of it stands at the end of what is kept, and says nothing."""
    lines = [f"host-{at} up 3 days" for at in range(60)]
    lines[4], lines[55] = "host-4 exited (139) 26 minutes ago", "host-55 exited (137) 7 minutes ago"
    text = "\n".join(lines)
    start, end = text.index("exited (139)"), text.index("minutes ago", text.index("exited (137)"))
    assert pick_lines(text, start, end, 200)[:1] == (lines[4],)
    assert lines[55] in pick_lines(text, start, end, 200)
