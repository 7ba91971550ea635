"""Paths of a batch: of this machine, or URLs of stores."""

import re
from pathlib import Path

MANIFEST_NAME = "cortex-batch.jsonl"
"""What tells of earlier runs, in the folder of the results; in-place: in the folder of the sources."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_url(text: str) -> bool:
    """Tell a URL from a path."""
    return _URL.match(text) is not None


def is_remote(path: object) -> bool:
    """Tell a path of a store from one of this machine."""
    return path is not None and not isinstance(path, Path)
