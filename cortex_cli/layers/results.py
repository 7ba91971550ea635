"""How one tool result is shortened: to its two ends, to a placeholder, to nothing.

Decides the text; which result is shortened, and how much, is up to the layers. A result that is one of
our forms already only gets stronger. Source: SPEC section 3.
"""

import sys
from collections.abc import Sequence, Set
from typing import Literal, NamedTuple

from cortex_cli import marks
from cortex_cli.jsonedit import Path, encode
from cortex_cli.layers.graphemes import head_end, tail_start
from cortex_cli.layers.json_results import find_text_field, long_strings, put_strings
from cortex_cli.layers.rescue import pick_lines
from cortex_cli.layers.view import Persist
from cortex_cli.marks import Bookend, Stub
from cortex_cli.messages import Change, Message, Part, build
from cortex_cli.tokens import Counter

CAP_SLACK_CHARS = 64
"""A text no longer than both ends and this is not capped: a capped one never is again. Source: SPEC section 2."""

PREVIEW_CHARS = 80
"""Of the original in a placeholder. Source: SPEC section 3."""

RESCUE_SHARE = 1 / 3
"""Of all that a bookend keeps, at most this much is lines of the middle. Source: SPEC section 3."""

MIN_STRING_CHARS = 32
"""A side of a shortened string of an object, at least: below it the mark is longer than what it keeps."""


class Ask(NamedTuple):
    """What is to become of one result."""

    action: Literal["cap", "bookend", "placeholder", "clear"]
    chars: int = 0
    """Kept on each side, for cap and bookend."""
    tool: str = ""
    category: str = ""
    has_findings: bool = True
    """An assistant text follows."""
    rescue: bool = False
    """Keep telling lines of the middle."""
    with_media: bool = True
    """Its images go too."""
    footer: bool = False
    """Name the archived original behind the text, as caps do, not in front."""

    @property
    def is_removal(self) -> bool:
        """Nothing of the text stays but a quotation."""
        return self.action in ("placeholder", "clear")

    @property
    def kept_chars(self) -> int:
        """The most that stays of a text."""
        return 0 if self.is_removal else 2 * self.chars

    @property
    def spared_chars(self) -> int:
        """A text up to this length is left alone."""
        return 2 * self.chars + CAP_SLACK_CHARS if self.action == "cap" else self.kept_chars


_LEAVE = Ask("bookend", chars=sys.maxsize)
"""Leaves a text as it is."""


MARK_CHARS = 80
"""Of a bookend besides what it keeps, about: its marks, with and without lines. Source: SPEC section 3, the table."""


class Shortened(NamedTuple):
    """A message with one result shortened, and what to say of it."""

    message: Message
    change: Change


def shorten(
    message: Message, index: int, ask: Ask, counter: Counter, persist: Persist | None = None
) -> Shortened | None:
    """Shorten one result of a message.

    Args:
        message: Holds the result.
        index: Position of the result in its `parts`.
        ask: What to do.
        counter: Counts.
        persist: Puts the original away, once it is known that it goes.

    Returns:
        None where nothing gets smaller in tokens, or the result is as strongly shortened already.
    """
    part = message.parts[index]
    if not can_shrink(part, ask):
        return None
    said = _read_result(part)
    before = counter.count_message(message)
    best = _attempt(message, index, said, ask, counter, "")
    if best is None or (after := counter.count_message(best)) >= before:
        return None
    ref = marks.known_ref(said.form) if said.form else ""
    if persist is not None and not ref:
        ref = persist(part.text, ask.tool, ask.category, part.call_id, message.position)
        named = _attempt(message, index, said, ask, counter, ref) if ref else None
        if named is not None and counter.count_message(named) < before:
            best, after = named, counter.count_message(named)
    text = best.parts[index].text
    change = build(Change, (message, index, ask.action, before, after, part.text, text, ref))
    return build(Shortened, (best, change))


def can_shrink(part: Part, ask: Ask) -> bool:
    """Tell in no time whether there may be something to take away."""
    return len(part.text) > ask.spared_chars or (ask.with_media and bool(part.media))


def bookend_chars(part: Part, chars: int) -> int:
    """Estimate how long a result's text is as a bookend of so many characters a side; no text is looked through."""
    text, most = part.text, 2 * chars + MARK_CHARS
    field = find_text_field(text)
    if field is None and not part.json:
        return min(len(text), most)
    strings = [*long_strings(text).values()] if field is None else [field.text]
    written = [len(encode(value).decode()) for value in strings]  # longer than what it says, by what is escaped
    if field is None and strings:
        level = _water_level(sorted(map(len, strings)), max(2 * chars - len(text) + sum(written), 0))
        most = 2 * max(level // 2, MIN_STRING_CHARS) + MARK_CHARS
    gone = (size * max(1 - most / max(len(value), 1), 0) for value, size in zip(strings, written, strict=True))
    return max(len(text) - int(sum(gone)), 0)


class _Said(NamedTuple):
    """What a result says, and whether that was shortened before."""

    body: str
    images: str
    """Stands behind it for images that were removed before."""
    form: Bookend | Stub | None
    path: Path | None = None
    """Where it stands in the object that the result is; None: it is all of the result."""


def _read_result(part: Part) -> _Said:
    field = find_text_field(part.text)
    return _read(part.text) if field is None else _read(field.text)._replace(path=field.path)


def _read(text: str) -> _Said:
    body, images = marks.split_images(text)
    return build(_Said, (body, images, marks.parse_result(body), None))


def _attempt(message: Message, index: int, said: _Said, ask: Ask, counter: Counter, ref: str) -> Message | None:
    part = message.parts[index]
    removed = part.media if ask.with_media else ()
    images = [marks.image_text(one.type, one.tokens) for one in removed] if removed else []
    if part.json and said.path is None:
        text = _shorten_object(part.text, ask, counter, images, ref)
    else:
        text = _shorten_said(said, ask, counter, images, ref)
        if text is not None and said.path is not None:
            text = put_strings(part.text, {said.path: text})
    if text is None:
        return None
    short = part.with_text(text)
    return message.with_part(index, short._replace(media=()) if removed else short)


def shorten_text(text: str, ask: Ask, counter: Counter, images: Sequence[str] = (), ref: str = "") -> str | None:
    """Shorten a plain text.

    Args:
        text: What the tool said, perhaps shortened before.
        ask: What to do.
        counter: Counts.
        images: What is to stand behind it for removed images, until a placeholder takes their place.
        ref: Where the original was put.

    Returns:
        None where it is short enough, or shortened as strongly already.
    """
    return _shorten_said(_read(text), ask, counter, images, ref)


def _shorten_said(said: _Said, ask: Ask, counter: Counter, images: Sequence[str], ref: str) -> str | None:
    body, old_images, form, _ = said
    if ask.is_removal:
        if stub := _stub(body, form, ask, ref):
            return stub
        short = None
    else:
        short = _bookend(body, form, ask, counter, ref)
    if short is None and not images:
        return None
    pieces = (body if short is None else short, old_images.removeprefix("\n"), *images)
    return "\n".join(piece for piece in pieces if piece)


def _stub(body: str, form: Bookend | Stub | None, ask: Ask, ref: str) -> str | None:
    if isinstance(form, Stub):
        return None
    clears = ask.action == "clear"
    start = form.head if form else body
    preview = "" if clears else start[: head_end(start, PREVIEW_CHARS)].replace("\r", " ").replace("\n", " ").strip()
    ref = ref or (marks.known_ref(form) if form else "")
    removal: marks.Removal = "clear" if clears else "placeholder"
    return marks.stub_text(removal, tool=ask.tool, preview=preview, has_findings=ask.has_findings, ref=ref)


def _bookend(body: str, form: Bookend | Stub | None, ask: Ask, counter: Counter, ref: str) -> str | None:
    if isinstance(form, Stub) or (form.kept_chars if form else len(body)) <= ask.spared_chars:
        return None
    if form is None:
        whole, tokens = body, counter.count_text(body)
        ends, halves = (len(body), len(body)), set[str]()
    else:
        whole = "\n".join(piece for piece in (form.head, form.lines, form.tail) if piece)
        tokens = form.tokens + sum(counter.count_text(piece) for piece in (form.head, form.lines, form.tail))
        ends = (len(form.head), len(form.tail))
        halves = {form.head.rpartition("\n")[2].strip(), form.tail.partition("\n")[0].strip()}
    lines = ""
    side = ask.chars
    if ask.rescue:
        side, lines = _rescued(whole, ask.chars, ends, halves)
    head, tail = _ends(whole, side, ends)
    kept = sum(counter.count_text(piece) for piece in (head, lines, tail))
    made = Bookend(head, tail, max(tokens - kept, 0), lines, is_cap=ask.action == "cap")
    if form is not None and marks.known_ref(form):
        made = made._replace(ref="" if made.is_cap else form.ref, header=form.header, footer=form.footer)
    elif ref and (ask.footer or made.is_cap):
        made = made._replace(footer=marks.persisted_footer(ref))
    elif ref:
        header = marks.persisted_header(
            ref, chars=len(body), tokens=counter.count_text(body), tool=ask.tool or "unknown"
        )
        made = made._replace(ref=ref, header=header)
    return marks.bookend_text(made)


def _ends(text: str, side: int, most: tuple[int, int]) -> tuple[str, str]:
    """Return its beginning and its end; of a text shortened before no more than was left of them then."""
    return text[: head_end(text, min(side, most[0]))], text[tail_start(text, min(side, most[1])) :]


def _rescued(text: str, chars: int, most: tuple[int, int], halves: Set[str]) -> tuple[int, str]:
    """Choose lines of the middle, none that was cut before, and say how much room they leave for each side."""
    room = int(2 * chars * RESCUE_SHARE)
    head, tail = _ends(text, chars - room // 2, most)
    found = [line for line in pick_lines(text, len(head), len(text) - len(tail), room) if line not in halves]
    side = chars - (sum(len(line) + 1 for line in found) + 1) // 2
    head, tail = _ends(text, side, most)
    inside = [line for line in found if line not in head and line not in tail]
    return (side if inside else chars), "\n".join(inside)


def _shorten_object(text: str, ask: Ask, counter: Counter, images: list[str], ref: str) -> str | None:
    """Shorten the longest strings of a JSON value that has no one text of its own."""
    strings = long_strings(text)
    if not strings:
        return None
    forms = {path: marks.parse_result(marks.split_images(value)[0]) for path, value in strings.items()}
    asks = _stub_strings(strings, forms, ask) if ask.is_removal else _bookend_strings(text, strings, forms, ask)
    longest = max(strings, key=lambda path: len(strings[path]))
    changed: dict[Path, str] = {}
    for path, value in strings.items():
        pictures = images if path == longest else []
        if path not in asks and not pictures:
            continue
        short = shorten_text(value, asks.get(path, _LEAVE), counter, pictures, ref)
        if short is not None and (len(short) < len(value) or pictures):
            changed[path] = short
    return put_strings(text, changed) if changed else None


_Forms = dict[Path, Bookend | Stub | None]
_Asks = dict[Path, Ask]


def _bookend_strings(text: str, strings: dict[Path, str], forms: _Forms, ask: Ask) -> _Asks:
    """Find the length to which the longest strings must shrink so that all together keep what a bookend may."""
    kept = {path: _kept_chars(value, forms[path]) for path, value in strings.items()}
    rest = len(text) - sum(map(len, strings.values()))
    if rest + sum(kept.values()) <= ask.spared_chars:
        return {}
    level = _water_level(sorted(kept.values()), max(ask.kept_chars - rest, 0))
    side = max(level // 2, MIN_STRING_CHARS)
    return {path: ask._replace(chars=side, rescue=False) for path, chars in kept.items() if chars > 2 * side}


def _stub_strings(strings: dict[Path, str], forms: _Forms, ask: Ask) -> _Asks:
    """Let the longest string carry the placeholder, and clear the others; short ones stay."""
    left = [path for path, value in strings.items() if len(value) > PREVIEW_CHARS and not isinstance(forms[path], Stub)]
    has_stub = any(isinstance(form, Stub) for form in forms.values())
    longest = max(left, key=lambda path: len(strings[path]), default=None)
    return {path: ask if path == longest and not has_stub else ask._replace(action="clear") for path in left}


def _kept_chars(value: str, form: Bookend | Stub | None) -> int:
    if isinstance(form, Stub):
        return 0
    return form.kept_chars if form else len(value)


def _water_level(sizes: list[int], room: int) -> int:
    """Return the largest level at which the sum of min(size, level) is at most `room`; `sizes` ascend."""
    at = 0
    while at < len(sizes) - 1 and sizes[at] * (len(sizes) - at) <= room:
        room -= sizes[at]
        at += 1
    return min(sizes[at], room // (len(sizes) - at))
