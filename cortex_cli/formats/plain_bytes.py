"""Bytes in a program's messages (media for boto3): text while they are edited as JSON, bytes again afterwards."""

import base64
from typing import Any

PREFIX = "data:application/x-cortex-bytes;base64,"
"""A data URL, so that media are measured in it; no other program writes this type."""


def hide(value: bytes) -> str:
    """Write bytes as text."""
    return PREFIX + base64.b64encode(value).decode()


def show(value: Any) -> Any:
    """Return a value in which bytes that were hidden, at any depth, are bytes again."""
    if isinstance(value, str):
        return base64.b64decode(value[len(PREFIX) :]) if value.startswith(PREFIX) else value
    if isinstance(value, dict):
        return {key: show(one) for key, one in value.items()}
    return [show(one) for one in value] if isinstance(value, list) else value
