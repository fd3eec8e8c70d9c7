"""How the pictures of an account come along, told to its apps.

A picture that is asked for is told of by Updates of the post that it is for (or, where it is for
none yet, of the picture), which say by `progress` how far it is:

    {"state": "queued" | "painting" | "review" | "done" | "failed" | "cancelled",
     "stage": "loading" | "painting" | "finishing", "step": 3, "steps": 8, "seconds": 1.5,
     "error": "…"}

and show by `preview` what there is to see. A post whose picture is done is an Add to the outbox.
Nothing of it is told again: where a picture stands, its painting says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from sqlmodel import col, select

from activitypub import json
from activitypub.context import with_context
from activitypub.objects import values
from fedi.api.client.telling import update
from fedi.api.easel.paintings import address
from fedi.api.mastodon.streaming.connections import Told
from fedi.database import Session
from fedi.database.tables import Account, MediaAttachment, Painting
from fedi.events import Event, Listener
from fedi.federation.documents.posts import note_document
from fedi.federation.translate import outward
from fedi.runtime import Easel
from fedi.social import pending
from fedi.studio import paintings

STATES = paintings.PAINTED | {paintings.QUEUED, paintings.PAINTING}
SAID = ("stage", "step", "steps", "seconds", "note")  # of how far a painter is
MAX_LISTENED = 100  # pictures of one account; more may wait, and are told of when these are done


class Painted:
    """The pictures of one account that are being made, and what is heard of them.

    Args:
        heard: hears of each of them, as long as it is being made.
    """

    def __init__(self, easel: Easel, account: Account, heard: Listener) -> None:
        self._easel, self._account, self._heard = easel, account, heard
        self._topics: set[str] = set()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Hear of pictures while the context lasts."""
        self._join(paintings.TOPIC)
        try:
            yield
        finally:
            for topic in list(self._topics):
                self._leave(topic)

    async def told(self, events: Sequence[Event]) -> list[Told]:
        """What there is to tell of these events, of each picture only what it is like now; without
        any, of what is being made and was not told of yet."""
        newest: dict[int, dict[str, Any]] = {}
        for event in events:
            if event.topic == paintings.TOPIC:  # perhaps of this account
                newest.setdefault(int(event.data["id"]), {})
            elif event.topic in self._topics and event.kind in STATES | {"progress"}:
                newest[int(event.topic.partition(":")[2])] = event.data
        async with self._easel.database.read() as session:
            if not events:
                newest = {number: {} for number in await self._begun(session)}
            told = []
            for painting_id, data in newest.items():
                painting = await session.get(Painting, painting_id)
                if painting is None or painting.account_id != self._account.id:
                    continue
                if painting.state in paintings.PAINTED:
                    self._leave(paintings.topic(painting_id))
                else:
                    self._join(paintings.topic(painting_id))
                if painting.state != paintings.DONE or painting.status_uri is None:
                    told.append(await self._one(session, painting, data))
                # Else the post tells of itself.
        return told

    async def _begun(self, session: Session) -> list[int]:
        """Those that are being made and were not heard of yet."""
        rows = await session.exec(
            select(Painting.id)
            .where(
                Painting.account_id == self._account.id,
                col(Painting.state).in_((paintings.QUEUED, paintings.PAINTING)),
            )
            .order_by(col(Painting.id))
            .limit(MAX_LISTENED)
        )
        return [one for one in rows.all() if paintings.topic(one) not in self._topics]

    async def _one(self, session: Session, painting: Painting, data: dict[str, Any]) -> Told:
        object_ = await self._object(session, painting)
        object_["progress"] = {
            "state": painting.state,
            **values.compact({name: data.get(name) for name in SAID}),
            **({"error": painting.error} if painting.error else {}),
        }
        if "preview" in data:
            preview = {"type": "Image", "mediaType": "image/jpeg", "url": data["preview"]}
            object_["preview"] = preview
        return Told("", json.encode(with_context(update(object_))).decode())

    async def _object(self, session: Session, painting: Painting) -> dict[str, Any]:
        """The post that a picture is for; where there is none, the picture."""
        post = painting
        if painting.post_of is not None:
            post = await session.get(Painting, painting.post_of) or painting
        if post.status_uri is not None:
            waiting = await pending.load(session, self._account, post.status_uri)
            if waiting is not None:
                return note_document(session, waiting.post, self._account)
        medium = pending.promised(painting)
        if painting.media_id is not None:
            medium = await session.get(MediaAttachment, painting.media_id) or medium
        return {
            "id": post.status_uri or address(self._easel, painting.id),
            **outward.attachment(medium, session.instance).document(),
            "attributedTo": self._account.uri,
        }

    def _join(self, topic: str) -> None:
        self._topics.add(topic)
        self._easel.events.join(self._heard, topic)

    def _leave(self, topic: str) -> None:
        self._topics.discard(topic)
        self._easel.events.leave(self._heard, topic)
