"""Parts of Gemini's contents, for requests, ADK sessions and the CLI's files: read, edited in place, written anew.

Keys are spelled `functionCall` or `function_call`; files hold both, one beside the other. A signature
(`thoughtSignature`) stands on its part: such a call is sent back as it came. Source: FORMATS section 7.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cortex_cli.formats.contents import compact, edit_json, parse_text, text_of
from cortex_cli.jsonedit import Delete, Edit, Path, Replace
from cortex_cli.messages import WHOLE, Media, Message, Part
from cortex_cli.tokens import estimate_media_tokens, estimate_tokens

_SPELLINGS = {
    "functionCall": "function_call",
    "functionResponse": "function_response",
    "inlineData": "inline_data",
    "fileData": "file_data",
    "thoughtSignature": "thought_signature",
    "mimeType": "mime_type",
    "systemInstruction": "system_instruction",
    "usageMetadata": "usage_metadata",
    "totalTokenCount": "total_token_count",
    "modelVersion": "model_version",
    "invocationId": "invocation_id",
    "rewindBeforeInvocationId": "rewind_before_invocation_id",
    "compactedContent": "compacted_content",
    "startTimestamp": "start_timestamp",
    "endTimestamp": "end_timestamp",
}
"""Names of members -> their other spelling."""

TEXT_KEYS = ("output", "result", "content", "error")
"""Where the response of a function keeps its text, if that is all there is. The first and the last are the API's own
words for it: https://ai.google.dev/api/caching#FunctionResponse."""


def key_of(value: Any, name: str) -> str:
    """Return how a member is spelled in an object; empty where it is not there."""
    if not isinstance(value, dict):
        return ""
    other = _SPELLINGS[name]
    return name if name in value else other if other in value else ""


def member(value: Any, name: str) -> Any:
    """Return a member in either spelling; None where it is not there."""
    key = key_of(value, name)
    return value[key] if key else None


def read_parts(record: int, pieces: Any) -> Iterator[Part]:
    """Read the parts of one content; a mere text stands for one of them."""
    if isinstance(pieces, str):
        yield Part("text", pieces, record=record)
    elif isinstance(pieces, list):
        for block, piece in enumerate(pieces):
            yield read_part(piece)._replace(record=record, block=block)
    elif pieces is not None:
        yield Part("opaque", compact(pieces), record=record)


def read_part(piece: Any) -> Part:
    """Read one part; where it stands is for the caller to say."""
    if isinstance(piece, str):
        return Part("text", piece)
    if isinstance(call := member(piece, "functionCall"), dict):
        return read_call(call, is_signed=bool(member(piece, "thoughtSignature")))
    if isinstance(response := member(piece, "functionResponse"), dict):
        return read_response(response)
    if isinstance(piece, dict) and isinstance(piece.get("text"), str):
        if piece.get("thought") is True:
            return Part("thinking", piece["text"], signed=bool(member(piece, "thoughtSignature")))
        return Part("text", piece["text"])
    if (media := read_media(piece, WHOLE)) is not None:
        return Part("media", media=(media,))
    name = next(iter(piece), "") if isinstance(piece, dict) else ""
    return Part("opaque", compact(piece), name)


def read_call(call: Mapping[str, Any], *, is_signed: bool = False) -> Part:
    """Read a call of a function."""
    name, call_id = text_of(call.get("name")), text_of(call.get("id"))
    return Part("call", compact(call.get("args", {})), name, call_id, json=True, signed=is_signed)


def read_media(piece: Any, block: int) -> Media | None:
    """Estimate one medium; None where the piece is none."""
    for name in ("inlineData", "fileData"):
        inner = member(piece, name)
        if isinstance(inner, dict):
            mime = text_of(member(inner, "mimeType")) or "application/octet-stream"
            return Media(mime, estimate_media_tokens(mime, text_of(inner.get("data"))), block)
    return None


def read_response(inner: Mapping[str, Any]) -> Part:
    """Read the response of a function: its one text, or all of it as JSON."""
    response, pieces = inner.get("response"), inner.get("parts")
    media = tuple(_media_of(piece, at) for at, piece in enumerate(pieces)) if isinstance(pieces, list) else ()
    part = Part("result", name=text_of(inner.get("name")), call_id=text_of(inner.get("id")), media=media)
    key = _text_key(response)
    if key and isinstance(response, dict):
        return part._replace(text=response[key], is_error=key == "error")
    if response is None or isinstance(response, str):
        return part._replace(text=response or "")
    is_error = isinstance(response, dict) and bool(response.get("error"))
    return part._replace(text=compact(response), json=True, is_error=is_error)


def _media_of(piece: Any, block: int) -> Media:
    found = read_media(piece, block)
    return Media("unknown", estimate_tokens(len(compact(piece))), block) if found is None else found


def _text_key(response: Any) -> str:
    if not isinstance(response, dict) or len(response) != 1:
        return ""
    key = next(iter(response))
    return key if key in TEXT_KEYS and isinstance(response[key], str) else ""


def edit_part(path: Path, piece: Any, old: Part, new: Part) -> Iterator[Edit]:
    """Write a changed part; `path` leads to the piece."""
    if old.kind == "result":
        yield from edit_response(
            (*path, key_of(piece, "functionResponse")), member(piece, "functionResponse"), old, new
        )
    elif old.kind == "call":
        yield from edit_json((*path, key_of(piece, "functionCall"), "args"), old.text, new.text)
    elif old.kind == "text":
        yield Replace(path if isinstance(piece, str) else (*path, "text"), new.text)


def edit_response(path: Path, inner: Mapping[str, Any], old: Part, new: Part) -> Iterator[Edit]:
    """Write a changed response of a function, and take dropped media out."""
    response = inner.get("response")
    key = _text_key(response)
    if new.text != old.text:
        if key:
            yield Replace((*path, "response", key), new.text)
        elif old.json and _is_object(new.text):
            yield from edit_json((*path, "response"), old.text, new.text)
        elif "response" in inner:
            yield Replace((*path, "response"), {"output": new.text})
        else:
            rest = {name: value for name, value in inner.items() if name != "parts" or new.media}
            yield Replace(path, {**rest, "response": {"output": new.text}})
            return
    kept = {medium.block for medium in new.media}
    gone = [medium.block for medium in old.media if medium.block not in kept]
    if gone and not kept:
        yield Delete((*path, "parts"))
    else:
        yield from (Delete((*path, "parts", block)) for block in gone)


def _is_object(text: str) -> bool:
    try:
        return isinstance(parse_text(text), dict)
    except ValueError:
        return False


def encode_parts(parts: Iterable[Part], ids: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Write parts of our own.

    Args:
        parts: Texts, results, calls.
        ids: Call ids that stand otherwise in the file; an empty one there: the call has none.
    """
    for part in parts:
        call_id = ids.get(part.call_id, part.call_id)
        named = {"id": call_id, "name": part.name} if call_id else {"name": part.name}
        if part.kind == "result":
            key = "error" if part.is_error else "output"
            yield {"functionResponse": {**named, "response": {key: part.text}}}
        elif part.kind == "call":
            yield {"functionCall": {**named, "args": parse_text(part.text)}}
        else:
            yield {"text": part.text}


def pair_by_order(messages: Sequence[Message]) -> tuple[list[Message], dict[str, str]]:
    """Give calls and results without ids their ids: a result answers the first open call of its name, else the first.

    Returns:
        The messages, and the ids that were made up: ours -> empty, since the file has none.
    """
    ids: dict[str, str] = {}
    waiting: list[Part] = []
    found: list[Message] = []
    for message in messages:
        if message.role == "assistant" and message.calls:
            parts = tuple(_named(part, ids) if part.kind == "call" else part for part in message.parts)
            message = message._replace(parts=parts)
            waiting = list(message.calls)
        elif message.role == "tool":
            message = message._replace(parts=tuple(_answering(part, waiting, ids) for part in message.parts))
        found.append(message)
    return found, ids


def _named(part: Part, ids: dict[str, str]) -> Part:
    if part.call_id:
        return part
    made = f"{part.name or 'call'}#{len(ids) + 1}"
    ids[made] = ""
    return part._replace(call_id=made)


def _answering(part: Part, waiting: list[Part], ids: dict[str, str]) -> Part:
    """Find the call that a result answers, and take it from those that wait."""
    if part.call_id:
        call = next((one for one in waiting if one.call_id == part.call_id), None)
    else:
        nameless = [one for one in waiting if one.call_id in ids]
        call = next((one for one in nameless if one.name == part.name), next(iter(nameless), None))
    if call is None:
        return part
    waiting.remove(call)
    return part._replace(call_id=call.call_id)
