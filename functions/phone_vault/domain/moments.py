"""Moments as the contract writes them: aware, UTC, to the second, RFC 3339 with `Z`."""

import re
from datetime import UTC, datetime

_RFC_3339_UTC = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?Z")


def to_second(moment: datetime) -> datetime:
    """The moment without its fraction of a second, in UTC."""
    return moment.astimezone(UTC).replace(microsecond=0)


def to_text(moment: datetime) -> str:
    """`2026-01-01T00:00:00Z`; a fraction of a second is cut off."""
    return f"{to_second(moment).replace(tzinfo=None).isoformat()}Z"


def from_text(text: str) -> datetime:
    """The moment, cut to the second; `ValueError` for anything but RFC 3339 with `Z`."""
    matched = _RFC_3339_UTC.fullmatch(text)
    if matched is None:
        raise ValueError("not RFC 3339 with Z")
    return datetime.fromisoformat(matched[1]).replace(tzinfo=UTC)


def from_epoch(seconds: int) -> datetime:
    """The moment so many seconds after 1970 began."""
    return datetime.fromtimestamp(seconds, UTC)
