"""Reads the packed vocabularies of this folder, and packs them.

A packed vocabulary is zlib over: token count (4 bytes, big endian), one length byte for each token, the
tokens one after another. Tokens stand in rank order from 0 without holes. Zlib rather than xz (0.2 MB
smaller) because every Python has it and it unpacks four times faster.
"""

import hashlib
import zlib
from collections.abc import Sequence
from importlib.resources import files
from itertools import accumulate, pairwise
from typing import NamedTuple

from cortex_cli.errors import CortexError

_COUNT_BYTES = 4


class Vocabulary(NamedTuple):
    """One vocabulary that ships with the package."""

    source_sha256: str
    """Hash of OpenAI's own file (`<base64 token> <rank>` lines), as tiktoken states it."""
    unpacked_sha256: str
    """Hash of our form after zlib; `build.py` only packs a file whose `source_sha256` is right."""


VOCABULARIES = {
    "o200k_base": Vocabulary(
        source_sha256="446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        unpacked_sha256="2f451f31d7403017d0b0dc6319ded23a09f33f573b1635c001fc6b91a1c21302",
    ),
    "cl100k_base": Vocabulary(
        source_sha256="223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        unpacked_sha256="9ef8402c916638b4e5896df1b798958e6377ae5ee9ecce199388d117f2a44973",
    ),
}


def pack(tokens: Sequence[bytes]) -> bytes:
    """Return our form, before compression, of tokens in rank order."""
    return b"".join((len(tokens).to_bytes(_COUNT_BYTES, "big"), bytes(map(len, tokens)), *tokens))


def unpack(data: bytes) -> dict[bytes, int]:
    """Return token -> rank of our form."""
    count = int.from_bytes(data[:_COUNT_BYTES], "big")
    start = _COUNT_BYTES + count
    ends = accumulate(data[_COUNT_BYTES:start], initial=start)
    return {data[begin:end]: rank for rank, (begin, end) in enumerate(pairwise(ends))}


def read_vocabulary(name: str) -> dict[bytes, int]:
    """Return token -> rank of a vocabulary that ships with the package.

    Args:
        name: A key of `VOCABULARIES`.

    Raises:
        CortexError: The installed file is damaged.
    """
    packed = files(__package__).joinpath(f"{name}.vocabulary").read_bytes()
    try:
        data = zlib.decompress(packed)
    except zlib.error as error:
        raise _damaged(name) from error
    if hashlib.sha256(data).hexdigest() != VOCABULARIES[name].unpacked_sha256:
        raise _damaged(name)
    return unpack(data)


def _damaged(name: str) -> CortexError:
    return CortexError(f"the installed vocabulary {name} is damaged", hint="install cortex-cli again")
