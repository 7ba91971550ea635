"""The clock's time as it is written into files, so that whoever needs the same file twice can hold one thing still."""

from datetime import UTC, datetime


def utc_now() -> str:
    """Return the time to the second: ISO 8601, UTC, with `Z`."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
