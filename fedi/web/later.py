"""When something is to be posted, as a form says it: a day and a time where somebody types them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from fedi.social.errors import Invalid

FIELDS = ("when", "offset")
TYPED = "%Y-%m-%dT%H:%M"  # a moment as browsers write it
MAX_OFFSET = 16 * 60  # minutes that a place is from UTC, and some more
NO_MOMENT = "When to post it is a day and a time."


def when(fields: Mapping[str, str]) -> datetime | None:
    """When it is to be posted; None: now.

    Args:
        fields: `when`, and how many minutes its place is ahead of UTC, `offset`, which our script
            fills in: without it, it is UTC.

    Raises:
        Invalid: that is no moment.
    """
    said = fields.get("when", "").strip()
    if not said:
        return None
    offset = fields.get("offset", "").strip() or "0"
    try:
        minutes = int(offset[:6])
        if abs(minutes) > MAX_OFFSET:
            raise ValueError
        moment = datetime.fromisoformat(said[:40])
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC) - timedelta(minutes=minutes)
    except (ValueError, OverflowError) as error:
        raise Invalid(NO_MOMENT) from error
