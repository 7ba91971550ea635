"""The content of a tool result and JSON values inside a message: how they are read, and edited in place.

Every format's results are a string, a list of pieces or some other JSON value; this is the one
implementation for all of them.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from cortex_cli.jsonedit import Delete, Edit, Insert, Path, Replace, encode, parse
from cortex_cli.messages import Media, Part, build
from cortex_cli.tokens import estimate_media_tokens, estimate_tokens

TEXT_TYPES = ("text", "input_text", "output_text")
"""Types of pieces whose `text` the model reads as it stands; a tuple, since a damaged type may be unhashable."""

TEXT_KEYS = ("text", "value")
"""Where a text piece keeps its text; `value` in data sets for fine-tuning."""

MEDIA_KINDS = {
    "image": "image",
    "input_image": "image",
    "image_url": "image",
    "audio": "audio",
    "input_audio": "audio",
    "video": "video",
    "video_url": "video",
    "document": "application/pdf",
    "file": "application/pdf",
    "input_file": "application/pdf",
}
"""Type of a piece -> MIME type or kind, where the piece does not tell its own."""


MIME_KEYS = ("media_type", "mimeType", "mime_type", "mediaType")
"""Where a medium tells its MIME type."""

MAX_DEPTH = 50
"""Levels down to which members of a JSON value are edited one by one."""


class Content(NamedTuple):
    """What a result holds."""

    text: str
    """The string itself, or the text pieces joined by newlines, or compact JSON."""
    media: tuple[Media, ...] = ()
    json: bool = False
    """The text is compact JSON of a value that is neither a string nor a list of pieces."""


def text_of(value: Any) -> str:
    """Return a string as it is, and nothing for anything else."""
    return value if isinstance(value, str) else ""


def compact(value: Any) -> str:
    """Write a JSON value without white space."""
    return encode(value).decode()


def text_path(piece: Any) -> Path | None:
    """Return where an item of a content list keeps its text; None if it is no plain text."""
    if isinstance(piece, str):
        return ()
    if not isinstance(piece, dict) or piece.get("type") not in TEXT_TYPES:
        return None
    return next(((key,) for key in TEXT_KEYS if isinstance(piece.get(key), str)), None)


def piece_text(piece: Any) -> str:
    """Return the text of a text piece."""
    return piece if isinstance(piece, str) else next(piece[key] for key in TEXT_KEYS if isinstance(piece.get(key), str))


def read_result(content: Any) -> Content:
    """Read the content of a tool result."""
    if isinstance(content, str):
        return build(Content, (content, (), False))
    if content is None:
        return Content("")
    if not isinstance(content, list) or not all(map(_is_piece, content)):
        return Content(compact(content), json=True)
    texts: list[str] = []
    media: list[Media] = []
    for block, piece in enumerate(content):
        if text_path(piece) is not None:
            texts.append(piece_text(piece))
        else:
            media.append(read_media(piece, block))
    return Content("\n".join(texts), tuple(media))


def _is_piece(value: Any) -> bool:
    """Tell whether a value is a piece of a content, not a row of some JSON: pieces say what they are."""
    return isinstance(value, str) or (isinstance(value, dict) and "type" in value)


def read_media(piece: dict[str, Any], block: int) -> Media:
    """Estimate one piece of a content list that is not text; pieces of unknown type count as their JSON."""
    kind = str(piece.get("type", ""))
    if kind not in MEDIA_KINDS:
        return Media(kind or "unknown", estimate_tokens(len(compact(piece))), block)
    mime, data = _find_data(piece)
    mime = mime or MEDIA_KINDS[kind]
    return Media(mime, estimate_media_tokens(mime, data), block)


def _find_data(piece: dict[str, Any]) -> tuple[str, str]:
    """Return (MIME type, base64 or data URL or plain text) of a medium in any of the known spellings."""
    inner = next((piece[key] for key in ("source", "image_url", "input_audio", "file", "image") if key in piece), piece)
    if isinstance(inner, str):  # OpenAI Responses: the URL itself
        inner = {"url": inner}
    if not isinstance(inner, dict):
        return "", ""
    mime = next(
        (inner[key] for key in ("media_type", "mimeType", "mime_type", "mediaType") if isinstance(inner.get(key), str)),
        "",
    )
    if not mime and isinstance(inner.get("format"), str):  # input_audio: "wav" or "mp3"
        mime = f"audio/{inner['format']}"
    data = next((inner[key] for key in ("data", "url", "file_data") if isinstance(inner.get(key), str)), "")
    if data.startswith("data:"):
        mime = mime or data[5:64].partition(";")[0].partition(",")[0]
    elif "://" in data[:16]:
        data = ""
    return mime, data


def edit_result(path: Path, content: Any, old: Part, new: Part, text_type: str = "text") -> Iterator[Edit]:
    """Write a changed result: its new text into the first text piece, the others and the dropped media out.

    Args:
        path: Where the content stands in the record.
        content: The content as it stands there now.
        old: The part as it was loaded.
        new: The part as it is to be.
        text_type: Type of a text piece in this format, for results that have none yet.
    """
    if not isinstance(content, list) or old.json:
        if new.text != old.text:
            yield from edit_json(path, old.text, new.text) if old.json else [Replace(path, new.text)]
        return
    kept = {medium.block for medium in new.media}
    yield from (Delete((*path, medium.block)) for medium in old.media if medium.block not in kept)
    if new.text == old.text:
        return
    pieces = {block: at for block, piece in enumerate(content) if (at := text_path(piece)) is not None}
    if not pieces:
        yield Insert((*path, 0), ({"type": text_type, "text": new.text},))
        return
    (first, at), *others = pieces.items()
    yield Replace((*path, first, *at), new.text)
    yield from (Delete((*path, block)) for block, _ in others)


def shrink_copies(path: Path, value: Any, old: str, new: str) -> Iterator[Edit]:
    """Write a result's new text over longer strings that repeat its old one: what a client shows, but does not send."""
    if isinstance(value, str):
        if len(value) > len(new) and (value in old or old in value):
            yield Replace(path, new)
    elif isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from shrink_copies((*path, key), member, old, new)


def edit_json(path: Path, old_text: str, new_text: str) -> Iterator[Edit]:
    """Write a changed JSON value: only the members that differ are replaced, the rest keep their bytes.

    Args:
        path: Where the value stands in the record.
        old_text: The value as compact JSON, as it was loaded.
        new_text: The value as it is to be; written as a string if it is not JSON.
    """
    try:
        yield from list(_differences(path, parse_text(old_text), parse_text(new_text), MAX_DEPTH))
    except ValueError:
        yield Replace(path, new_text)
    except RecursionError:
        yield Replace(path, parse_text(new_text))


def parse_text(text: str) -> Any:
    """Parse JSON that stands in a string, lone surrogates and all.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        return parse(text.encode())
    except UnicodeEncodeError:
        return json.loads(text)


def _differences(path: Path, old: Any, new: Any, depth: int) -> Iterator[Edit]:
    if old == new:
        return
    if depth == 0:
        yield Replace(path, new)
    elif isinstance(old, dict) and isinstance(new, dict) and new.keys() <= old.keys():
        for key, value in old.items():
            if key in new:
                yield from _differences((*path, key), value, new[key], depth - 1)
            else:
                yield Delete((*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences((*path, index), before, after, depth - 1)
    else:
        yield Replace(path, new)
