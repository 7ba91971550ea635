"""Logs of inspect-ai as it writes them: `.eval`, a zip with an entry for each sample.

Read as the JSON document that the same log is in its `.json` form, so that there is one way to read a log. Written
back, an entry that nobody changed is the same compressed bytes; those of changed samples are made anew, and the
summaries count the messages there are. Source: `EvalRecorder` of inspect-ai; APPNOTE 6.3.10 of PKWARE for the zip.
"""

import copy
import io
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile, ZipInfo

from cortex_cli import compressors
from cortex_cli.errors import InputError, UnknownFormatError
from cortex_cli.jsonedit import Replace, edit, parse
from cortex_cli.jsonscan import item_spans

_ENTRY = b"PK\x03\x04"
"""The first bytes of an entry."""

HEADERS = ("header.json", "_journal/start.json")
"""What a log says of itself; of a run that has not ended only the second is there."""

REDUCTIONS = "reductions.json"

_SAMPLES, _SUMMARIES, _JSON = "samples/", ("summaries.json", "_journal/summaries/"), ".json"

_CHUNKED = "/sample.json"
"""Ends the name of a sample that is spread over many entries; nobody but its converter reads those yet."""

BOM = b"\xef\xbb\xbf"
_WHITE_SPACE = b" \t\r\n"

_LOCAL_HEADER = struct.Struct("<26xHH")
"""In front of an entry: lengths of the name and of the extra fields that follow it."""
_EXTRA_HEADER = struct.Struct("<HH")
"""Id and length of an extra field."""
_MAX_NAME_BYTES = 0xFFFF
FRAME_BYTES = 200 << 20
"""Of contents in one frame of zstd: inspect-ai's viewer reads no larger ones. Source: its `_util/zipfile.py`."""

_ENCRYPTED, _SIZES_FOLLOW = 0x1, 0x8
"""Flags of an entry: needs a password; has its sizes behind its data."""
_RAW_DEFLATE = -15
"""A window of 15 bits without header and trailer. Source: zlib's inflateInit2."""
_ZIP64 = 1
"""Id of the extra field that holds sizes beyond 4 GB."""
_SHOWN_NAMES = 3

NO_LOG = "a zip that is no log of inspect-ai"


class _Method(NamedTuple):
    """How the data of an entry are compressed."""

    unpack: Callable[[bytes, int, str], bytes]
    """(data, size of the contents, where) -> contents, one byte too long where there are more."""
    pack: Callable[[bytes], bytes]


def _inflate(data: bytes, size: int, where: str) -> bytes:
    try:
        return zlib.decompressobj(_RAW_DEFLATE).decompress(data, size + 1)
    except zlib.error as error:
        raise _damaged(str(error), where) from error


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=_RAW_DEFLATE)
    return packer.compress(data) + packer.flush()


def _pack_zstd(data: bytes) -> bytes:
    zstd = compressors.module_of(compressors.ZSTD)
    return b"".join(zstd.compress(data[at : at + FRAME_BYTES]) for at in range(0, len(data), FRAME_BYTES))


_METHODS = {
    0: _Method(lambda data, _size, _where: data, lambda data: data),
    8: _Method(_inflate, _deflate),
    93: _Method(lambda data, _size, where: compressors.decompress(compressors.ZSTD, data, where), _pack_zstd),
}
"""Number of a method -> what it does: stored, deflate (as inspect-ai once wrote), zstd (as it writes now)."""


class _Log(NamedTuple):
    """The entries of a log."""

    data: bytes
    path: str
    entries: Sequence[ZipInfo]
    """In the order of the archive; of several with one name the last counts."""
    comment: bytes

    def newest(self) -> dict[str, ZipInfo]:
        """Return name -> entry."""
        return {entry.filename: entry for entry in self.entries}

    def samples(self) -> list[ZipInfo]:
        """Return the entries of samples, in the order of the archive."""
        return [one for name, one in self.newest().items() if name.startswith(_SAMPLES) and name.endswith(_JSON)]

    def contents(self, entry: ZipInfo) -> bytes:
        """Return what an entry holds.

        Raises:
            InputError: It is damaged, encrypted, or compressed in a way that we do not know.
            OptionError: The package for that is missing.
        """
        where = f"{self.path}: {entry.filename}"
        if entry.flag_bits & _ENCRYPTED:
            raise InputError("is encrypted", where=where, hint="unpack it with its password, and zip it anew")
        method = _METHODS.get(entry.compress_type)
        if method is None:
            hint = "zip it anew, with deflate or zstd"
            raise InputError(f"is compressed by method {entry.compress_type}", where=where, hint=hint)
        found = method.unpack(self.compressed(entry), entry.file_size, where)
        if len(found) != entry.file_size or zlib.crc32(found) != entry.CRC:
            raise _damaged("size or checksum is wrong", where)
        return found

    def compressed(self, entry: ZipInfo) -> bytes:
        """Return the data of an entry as they stand."""
        head = self.data[entry.header_offset : entry.header_offset + _LOCAL_HEADER.size]
        if head.startswith(_ENTRY) and len(head) == _LOCAL_HEADER.size:
            name, extra = _LOCAL_HEADER.unpack(head)
            start = entry.header_offset + _LOCAL_HEADER.size + name + extra
            found = self.data[start : start + entry.compress_size]
            if len(found) == entry.compress_size:
                return found
        raise _damaged("it is not where the directory says", f"{self.path}: {entry.filename}")


def _damaged(what: str, where: str) -> InputError:
    return InputError(f"damaged: {what}", where=where, hint="`zip -FF` may save what is left of it")


def _open(data: bytes, path: str) -> _Log:
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            if any(len(one.filename.encode()) > _MAX_NAME_BYTES for one in archive.filelist):
                raise BadZipFile("a name is too long")
            return _Log(data, path, archive.filelist, archive.comment)
    except (BadZipFile, NotImplementedError, ValueError, struct.error, EOFError, OSError) as error:
        raise _damaged(f"{str(error)[:1].lower()}{str(error)[1:]}", path) from error


def read(data: bytes, path: str) -> bytes:
    """Return the log that a zip is as one JSON document: the header's members, `samples`, and `reductions`.

    Raises:
        InputError: It is damaged, encrypted, holds too much, or is no log.
        OptionError: It is compressed with zstd, and the package for that is missing.
    """
    log = _open(data, path)
    newest = log.newest()
    header = next((newest[name] for name in HEADERS if name in newest), None)
    if header is None:
        names = ", ".join(repr(name[:40]) for name in list(newest)[:_SHOWN_NAMES])
        raise UnknownFormatError(NO_LOG, where=path, hint=f"seen: {names or 'nothing'}")
    samples = log.samples()
    if chunked := next((one.filename for one in samples if one.filename.endswith(_CHUNKED)), ""):
        hint = "`inspect log convert --to json` puts it together"
        raise InputError("a sample that is spread over several entries", where=f"{path}: {chunked}", hint=hint)
    reductions = [newest[REDUCTIONS]] if REDUCTIONS in newest else []
    limit = compressors.limit_of(len(data))
    if sum(entry.file_size for entry in (header, *samples, *reductions)) > limit:
        raise compressors.too_large(path, limit)
    top = _json(log, header)
    value = parse(top)
    if not isinstance(value, dict) or not isinstance(value.get("eval"), dict):
        raise UnknownFormatError(NO_LOG, where=path, hint=f"{header.filename} has no `eval`")
    pieces = [top[:-1], b',"samples":[', b",".join(_json(log, one) for one in samples), b"]"]
    pieces += [b',"reductions":' + _json(log, one) for one in reductions]
    return b"".join((*pieces, b"}"))


def _json(log: _Log, entry: ZipInfo) -> bytes:
    """Return the JSON value that an entry is, without what may stand around it."""
    body = log.contents(entry).removeprefix(BOM).strip(_WHITE_SPACE)
    try:
        parse(body)
    except ValueError as error:
        where = f"{log.path}: {entry.filename}"
        raise InputError("not JSON", where=where, hint="inspect-ai cannot read the log either") from error
    return body


class _Change(NamedTuple):
    """A sample that is not what it was."""

    entry: ZipInfo
    before: bytes
    after: bytes


def write(document: bytes, like: bytes, path: str) -> bytes:
    """Return the zip of a log whose samples may have changed.

    Args:
        document: As `read` gave it for `like`, with other samples.
        like: The zip that it was made of.
        path: For errors.

    Raises:
        InputError: It was made of another zip.
    """
    log = _open(like, path)
    changes = list(_changes(log, document))
    contents = {id(one.entry): one.after for one in changes} | dict(_recounted(log, changes))
    out = io.BytesIO()
    with ZipFile(out, "w") as archive:
        archive.comment = log.comment
        for entry in log.entries:
            entry_now, data = _renewed(log, entry, contents.get(id(entry)))
            entry_now.header_offset = out.tell()
            out.write(entry_now.FileHeader() + data)
            archive.filelist.append(entry_now)
            archive.start_dir = out.tell()
    return out.getvalue()


def _changes(log: _Log, document: bytes) -> Iterator[_Change]:
    samples = log.samples()
    try:
        spans = item_spans(document, ("samples",))
    except (KeyError, ValueError, IndexError):
        spans = []
    if len(samples) != len(spans):
        hint = "all conversations of a log are written together: `cortex batch`, or name a `.json` file"
        raise InputError(f"a log of {len(samples)} samples, and {len(spans)} to write", where=log.path, hint=hint)
    for entry, (start, end) in zip(samples, spans, strict=True):
        before = _json(log, entry)
        if document[start:end] != before:
            yield _Change(entry, before, document[start:end])


def _recounted(log: _Log, changes: Sequence[_Change]) -> Iterator[tuple[int, bytes]]:
    """Yield the summaries that count the messages of a sample as they were, with the number there is now."""
    counts: dict[str, tuple[int, int]] = {}
    for one in changes:
        before, after = parse(one.before), parse(one.after)
        counts[_key(before)] = len(before["messages"]), len(after["messages"])
    for entry in log.entries if counts else ():
        if entry.filename.startswith(_SUMMARIES) and entry.filename.endswith(_JSON):
            body = _json(log, entry)
            if edits := list(_recounts(parse(body), counts)):
                yield id(entry), edit(body, edits)


def _key(value: dict[str, Any]) -> str:
    """Return what tells a sample, or the summary of one, from others."""
    return f"{value.get('epoch')} {value.get('id')}"


def _recounts(rows: Any, counts: Mapping[str, tuple[int, int]]) -> Iterator[Replace]:
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, dict) and _key(row) in counts:
            before, now = counts[_key(row)]
            if row.get("message_count") == before != now:
                yield Replace((index, "message_count"), now)


def _renewed(log: _Log, entry: ZipInfo, contents: bytes | None) -> tuple[ZipInfo, bytes]:
    """Return an entry as it is written, and its compressed data: with other contents, or as they are."""
    now = copy.copy(entry)
    now.flag_bits &= ~_SIZES_FOLLOW
    now.extra = _without_sizes(entry.extra)
    if contents is None:
        return now, log.compressed(entry)
    data = _METHODS[entry.compress_type].pack(contents)
    now.CRC, now.file_size, now.compress_size = zlib.crc32(contents), len(contents), len(data)
    return now, data


def _without_sizes(extra: bytes) -> bytes:
    """Take the field with large sizes out of the extra fields: it is written again where it is needed."""
    kept, at = b"", 0
    while at + _EXTRA_HEADER.size <= len(extra):
        field, length = _EXTRA_HEADER.unpack_from(extra, at)
        end = at + _EXTRA_HEADER.size + length
        kept += extra[at:end] if field != _ZIP64 else b""
        at = end
    return kept + extra[at:]
