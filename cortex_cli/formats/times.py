"""Times as they stand in transcripts, brought to one form: ISO 8601, UTC, with `Z`."""

from datetime import UTC, datetime
from typing import Any

FIRST_MILLISECONDS = 100_000_000_000
"""Numbers from here on are milliseconds (March 1973), below it seconds (until the year 5138)."""


def to_utc(value: Any) -> str:
    """Bring a time to `YYYY-MM-DDThh:mm:ss[.fff]Z`.

    Args:
        value: ISO 8601 text (without a zone: UTC), or seconds or milliseconds since 1970.

    Returns:
        Empty where the value is no time.
    """
    try:
        if isinstance(value, str):
            return _from_text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            is_milliseconds = abs(value) >= FIRST_MILLISECONDS
            seconds, rest = divmod(value, 1000) if is_milliseconds else divmod(value, 1)
            moment = datetime.fromtimestamp(int(seconds), UTC)
            return _write(moment.replace(microsecond=int(rest * (1_000 if is_milliseconds else 1_000_000))))
    except (ValueError, OverflowError, OSError):
        pass  # no time after all
    return ""


def _from_text(text: str) -> str:
    moment = datetime.fromisoformat(text)
    if text.endswith("Z") and text[10:11] == "T":
        return text
    return _write(moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC))


def _write(moment: datetime) -> str:
    timespec = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


def to_milliseconds(time: str) -> int:
    """Return milliseconds since 1970 of a time that `to_utc` wrote; 0 for an empty one."""
    return round(datetime.fromisoformat(time).timestamp() * 1000) if time else 0
