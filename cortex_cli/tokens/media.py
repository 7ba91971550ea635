"""What an image, document, sound or film costs in tokens: one documented estimate per kind, for every format.

The providers count differently and a transcript rarely says which one it goes to; the estimate follows
Anthropic for images and documents and Gemini for sound and film. docs/tokens.md has the table.
"""

import base64
import binascii
import struct
from math import ceil

IMAGE_PIXELS_PER_TOKEN = 750
"""Source: https://docs.claude.com/en/docs/build-with-claude/vision (tokens = width * height / 750)."""

IMAGE_MAX_TOKENS = 1_600
"""Larger images are scaled down before they are read. Source: the same page. Also the guess where an image does
not tell its size."""

PAGE_TOKENS = 2_250
"""A page of a document, the middle of 1,500 to 3,000. Source:
https://docs.claude.com/en/docs/build-with-claude/pdf-support."""

PAGE_BYTES = 50_000
"""Bytes of a document for each page; a guess between pages of text (30 kB) and scans (100 kB and more)."""

DOCUMENT_MAX_PAGES = 100
"""Source: the same page; longer documents are refused."""

AUDIO_TOKENS_PER_SECOND = 32
"""Source: https://ai.google.dev/gemini-api/docs/tokens."""

VIDEO_TOKENS_PER_SECOND = 263
"""Source: https://ai.google.dev/gemini-api/docs/tokens."""

AUDIO_BYTES_PER_SECOND = 16_000
"""MP3 at 128 kbit/s."""

RAW_AUDIO_BYTES_PER_SECOND = 48_000
"""WAV and PCM: 24,000 samples of 16 bits, the form that speech APIs take."""

VIDEO_BYTES_PER_SECOND = 250_000
"""2 Mbit/s, a 720p recording."""

DEFAULT_SECONDS = 30
"""Length of sound or film of unknown size."""

TEXT_BYTES_PER_TOKEN = 4
"""For documents that are plain text. Source: SPEC section 1."""

HEAD_CHARS = 256
"""Base64 characters that hold the size of PNG, GIF and WebP."""

JPEG_HEAD_CHARS = 200_000
"""Base64 characters searched for the size of a JPEG, which stands behind its metadata."""


def estimate_media_tokens(mime: str, data: str = "", *, width: int = 0, height: int = 0, size_bytes: int = 0) -> int:
    """Estimate what one medium costs.

    Args:
        mime: MIME type or the kind alone: `image`, `audio`, `video`; anything else is a document.
        data: The content as base64, or a `data:` URL; empty where the file only refers to it.
        width: Pixels, where the file states them; else they are read from `data`.
        height: Pixels.
        size_bytes: Size of the content, where `data` is not at hand.
    """
    if data.startswith("data:"):
        head, _, data = data.partition(",")
        mime = mime or head[5:].partition(";")[0]
    kind = mime.partition("/")[0]
    size = size_bytes or len(data) * 3 // 4
    if kind == "image":
        return estimate_image_tokens(*((width, height) if width and height else find_image_size(data)))
    if kind == "audio":
        is_raw = "wav" in mime or "pcm" in mime or "l16" in mime.lower()
        return _timed(size, RAW_AUDIO_BYTES_PER_SECOND if is_raw else AUDIO_BYTES_PER_SECOND, AUDIO_TOKENS_PER_SECOND)
    if kind == "video":
        return _timed(size, VIDEO_BYTES_PER_SECOND, VIDEO_TOKENS_PER_SECOND)
    if kind == "text":
        return ceil(size / TEXT_BYTES_PER_TOKEN)
    pages = min(max(1, ceil(size / PAGE_BYTES)), DOCUMENT_MAX_PAGES)
    return pages * PAGE_TOKENS


def estimate_image_tokens(width: int, height: int) -> int:
    """Estimate an image of that many pixels; 0 means that a side is not known."""
    if not (width and height):
        return IMAGE_MAX_TOKENS
    return min(ceil(width * height / IMAGE_PIXELS_PER_TOKEN), IMAGE_MAX_TOKENS)


def find_image_size(data: str) -> tuple[int, int]:
    """Read (width, height) in pixels from the head of a base64 PNG, GIF, WebP or JPEG; (0, 0) if it does not tell."""
    head = _decode(data[:HEAD_CHARS])
    try:
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack_from(">II", head, 16)
        if head.startswith((b"GIF87a", b"GIF89a")):
            return struct.unpack_from("<HH", head, 6)
        if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
            return _webp_size(head)
        if head.startswith(b"\xff\xd8"):
            return _jpeg_size(_decode(data[:JPEG_HEAD_CHARS]))
    except (struct.error, IndexError):
        pass  # cut off: the size is not known
    return 0, 0


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text[: len(text) // 4 * 4])
    except (binascii.Error, ValueError):
        return b""


def _webp_size(head: bytes) -> tuple[int, int]:
    chunk = head[12:16]
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    return 0, 0


def _jpeg_size(data: bytes) -> tuple[int, int]:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a start of frame
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + int(struct.unpack_from(">H", data, at + 2)[0])
    return 0, 0


def _timed(size: int, bytes_per_second: int, tokens_per_second: int) -> int:
    seconds = ceil(size / bytes_per_second) if size else DEFAULT_SECONDS
    return seconds * tokens_per_second
