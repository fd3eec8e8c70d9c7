"""What the host tells everybody, as pages show it."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from fedi.social import announcements
from fedi.web.views.posts import Moment, moment


@dataclass(frozen=True, slots=True)
class Told:
    """An announcement; `starts` and `ends` say when that is of which it tells."""

    id: str
    content: Markup
    since: Moment
    starts: Moment | None
    ends: Moment | None
    reactions: list[tuple[str, int]]


def told(shown: announcements.Shown) -> Told:
    row = shown.announcement
    return Told(
        id=str(row.id),
        content=Markup(row.content),  # sanitised when it was written
        since=moment(row.published_at),
        starts=moment(row.starts_at) if row.starts_at is not None else None,
        ends=moment(row.ends_at) if row.ends_at is not None else None,
        reactions=[(name, count) for name, (count, _) in shown.reactions.items()],
    )
