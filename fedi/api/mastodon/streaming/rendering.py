"""A status as a payload: written once for all who see the same in it.

As in Mastodon it says nothing of the viewer: whether they like it they know, or ask. Three
things differ all the same: what a post quotes, a boost of what is not for everybody, and which of
the viewer's filters are for it.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from fedi.api.mastodon.streaming.connections import Told
from fedi.api.mastodon.views import statuses as views
from fedi.database import Session
from fedi.database.tables import Account, Status
from fedi.runtime import Easel
from fedi.social.audiences import Facts, filtering
from fedi.social.visibility import load, viewers_of


class Rendering:
    """The payloads of one status, made when they are needed.

    Args:
        special: those for whom the common one is not right.
    """

    def __init__(
        self, easel: Easel, session: Session, known: Facts, event: str, special: set[int]
    ) -> None:
        self._easel = easel
        self._session = session
        self._known = known
        self._event = event
        self._special = special
        self._made: dict[int, Told | None] = {}

    @classmethod
    async def of(
        cls, easel: Easel, session: Session, known: Facts, event: str, readers: Collection[int]
    ) -> Rendering:
        """For these readers, all of whom may see the status."""
        special = await filtering(session, known, readers)
        if known.original_private:
            special = set(readers)
        elif known.quoted_id is not None:
            see = await viewers_of(session, known.quoted_id, readers)
            common = await load(session, None, known.quoted_id) is not None
            special |= set(readers) - see if common else see
        return cls(easel, session, known, event, special)

    async def told_to(self, viewer: Account) -> Told | None:
        """The event for one of the readers."""
        key = viewer.id if viewer.id in self._special else 0
        if key not in self._made:
            self._made[key] = await self._make(viewer if key else None)
        return self._made[key]

    async def _make(self, viewer: Account | None) -> Told | None:
        status: Status | None = self._known.status
        if viewer is not None:
            status = await load(self._session, viewer, self._known.status.id)
        if status is None:
            return None
        shown = await views.show_one(self._easel, self._session, viewer, status)
        return Told(self._event, msgspec.json.encode(shown).decode())
