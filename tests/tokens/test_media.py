"""Estimates for media: by pixels where a header tells, else by documented defaults."""

import base64
import struct

import pytest

from cortex_cli.tokens.media import IMAGE_MAX_TOKENS, PAGE_TOKENS, estimate_media_tokens, find_image_size


def png(width: int, height: int) -> bytes:
    """The first bytes of a PNG."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(60)


def jpeg(width: int, height: int, metadata: int = 20) -> bytes:
    """A JPEG up to its frame header, behind `metadata` bytes."""
    head = b"\xff\xd8\xff\xe1" + struct.pack(">H", metadata + 2) + bytes(metadata) + b"\xff\xdb\x00\x03\x00"
    return head + b"\xff\xc0" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(40)


def webp(chunk: bytes, body: bytes) -> bytes:
    """A WebP with one chunk."""
    return b"RIFF\0\0\0\0WEBP" + chunk + struct.pack("<I", len(body)) + body + bytes(40)


IMAGES = {
    "png": png(300, 250),
    "gif": b"GIF89a" + struct.pack("<HH", 300, 250) + bytes(40),
    "jpeg": jpeg(300, 250),
    "jpeg behind much metadata": jpeg(300, 250, 60_000),
    "webp lossy": webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 300, 250)),
    "webp lossless": webp(b"VP8L", b"\x2f" + struct.pack("<I", 299 | 249 << 14)),
    "webp extended": webp(b"VP8X", bytes(4) + (299).to_bytes(3, "little") + (249).to_bytes(3, "little")),
}


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_image_counts_by_its_pixels(image):
    """An icon and a screenshot differ by a factor of a hundred."""
    data = base64.b64encode(image).decode()
    assert find_image_size(data) == (300, 250)
    assert estimate_media_tokens("image/png", data) == 100
    assert estimate_media_tokens("", f"data:image/png;base64,{data}") == 100


@pytest.mark.parametrize(
    "data",
    [
        "",
        "AAAA",
        "not base64 !",
        "\ud800é",
        base64.b64encode(png(300, 250)[:18]).decode(),
        base64.b64encode(jpeg(300, 250)[:12]).decode(),
        base64.b64encode(jpeg(300, 250)[:30] + bytes(40)).decode(),
        base64.b64encode(webp(b"ALPH", b"")).decode(),
        base64.b64encode(b"\xff\xd8\xff\xe1\x00\x00" * 20).decode(),
    ],
)
def test_image_that_does_not_tell_counts_as_the_largest(data):
    """Damaged or referenced images must neither raise nor vanish from the count."""
    assert estimate_media_tokens("image/png", data) == IMAGE_MAX_TOKENS


def test_large_images_are_capped():
    """Providers scale large images down before reading them."""
    assert estimate_media_tokens("image/png", width=4000, height=3000) == IMAGE_MAX_TOKENS
    assert estimate_media_tokens("image/png", width=1, height=1) == 1


def test_other_kinds():
    """Each kind has its own rule; docs/tokens.md states them."""
    assert estimate_media_tokens("application/pdf") == PAGE_TOKENS
    assert estimate_media_tokens("application/pdf", size_bytes=120_000) == 3 * PAGE_TOKENS
    assert estimate_media_tokens("application/pdf", size_bytes=10**9) == 100 * PAGE_TOKENS
    assert estimate_media_tokens("audio/mp3", size_bytes=160_000) == 320
    assert estimate_media_tokens("audio/wav", size_bytes=480_000) == 320
    assert estimate_media_tokens("audio") == 30 * 32
    assert estimate_media_tokens("video/mp4", size_bytes=2_500_000) == 2630
    assert estimate_media_tokens("text/plain", base64.b64encode(b"x" * 400).decode()) == pytest.approx(100, abs=1)
