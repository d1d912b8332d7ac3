"""Capture times as sources write them."""

import re
from datetime import UTC, date, datetime
from typing import Any

_ISO = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d{1,6})?\d*\s*(Z|[+-]\d\d(?::?\d\d)?)?)?)?)?", re.ASCII
)


def parse_moment(value: Any) -> datetime | None:
    """An ISO 8601 date or time, down to the year alone, as UTC (also where it names no zone); None where it is none."""
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    found = _ISO.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day, time, fraction, zone = found.groups()
    time = "00:00:00" if time is None else time if len(time) > len("00:00") else f"{time}:00"
    try:
        return _in_utc(
            datetime.fromisoformat(f"{year}-{month or '01'}-{day or '01'}T{time}{fraction or ''}{zone or 'Z'}")
        )
    except ValueError:
        return None


def _in_utc(moment: datetime) -> datetime | None:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None
