"""What painters see in pictures: which are to be looked at, and what was seen.

A picture of a public post without a warning has a row, from when its post is found out about until
that is not so any more, or for as long as it may be in a feed at all. `studio.recognition` hands
them out; what comes back is written here, and becomes features by the job of the index. The row
keeps it: a post that changes is found out about anew, and its pictures are not looked at again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlmodel import col

from fedi import ids
from fedi.database import Session, Transaction
from fedi.database.insertion import add_once, insert_new, table_of
from fedi.database.tables import (
    Account,
    Mark,
    MediaAttachment,
    PictureChange,
    PictureFeature,
    PictureLook,
    Status,
)
from fedi.events import Event
from fedi.social.for_you import features, formula
from fedi.social.for_you.features import Feature, Kind
from generation.recognition import Sight

TOPIC = "looks"  # there are pictures to look at
SHOWN = ("image", "gifv")  # types of media
LEASE = timedelta(minutes=10)  # until a painter that does not answer is given up
TRIES = 5  # then a picture is left alone: it may be what painters die of
NOT_HERE = timedelta(hours=1)  # until a file that is not here is looked for again, twice as long …
AGAIN = 20_000  # pictures, the newest, that a model that nobody had before looks at as well
MODELS = "picture_models"  # the mark that names the models that were here ever
MODELS_KEPT = 20

_LOOK, _MEDIUM, _STATUS = table_of(PictureLook), table_of(MediaAttachment), table_of(Status)
_ACCOUNT = table_of(Account)


@dataclass(frozen=True, slots=True)
class Unseen:
    """A picture that is to be looked at."""

    media: MediaAttachment
    tries: int


# ---- What is to be looked at -------------------------------------------------------------------


async def pictures(session: Session, clear: Collection[int]) -> dict[int, int]:
    """The pictures of some posts that have no warning: which posts they are of, by their ids."""
    query = select(_MEDIUM.c.id, _MEDIUM.c.status_id).where(
        _MEDIUM.c.status_id.in_(clear),
        _MEDIUM.c.type.in_(SHOWN),
        _MEDIUM.c.sensitive.is_(False),
    )
    return {media_id: status_id for media_id, status_id in (await session.execute(query)).all()}


async def seen(session: Session, clear: Collection[int]) -> dict[int, set[Feature]]:
    """What was seen in the pictures of some posts that have no warning, by post."""
    query = select(_LOOK.c.status_id, _LOOK.c.concepts).where(
        _LOOK.c.status_id.in_(clear), _LOOK.c.model != ""
    )
    found: defaultdict[int, set[Feature]] = defaultdict(set)
    for status_id, concepts in (await session.execute(query)).all():
        found[status_id] |= features.looks(concepts)
    return found


async def note(tx: Transaction, about: Collection[int], showing: Mapping[int, int]) -> None:
    """Have the pictures of some posts looked at, once.

    Args:
        about: the posts.
        showing: their pictures, as `pictures` finds them. Of others nothing is kept.
    """
    await tx.execute_core(
        delete(_LOOK).where(_LOOK.c.status_id.in_(about), _LOOK.c.media_id.not_in(list(showing)))
    )
    floor = ids.floor(tx.now - formula.WINDOW)
    rows: list[dict[str, Any]] = [
        {
            "media_id": media_id, "status_id": status_id, "concepts": [], "sketch": None,
            "model": "", "wanted": "", "tries": 0, "due_at": tx.now,
        }
        for media_id, status_id in showing.items()
        if status_id >= floor
    ]  # fmt: skip
    if rows:
        await insert_new(tx, PictureLook, rows)
        tx.emit(Event(TOPIC, "due"))


async def meet(tx: Transaction, model: str) -> bool:
    """A model is here. If it is one that never was, it looks at what others looked at: the newest.

    Returns:
        Whether it is new.
    """
    row = await tx.get(Mark, MODELS, with_for_update=True, populate_existing=True)
    if row is None:
        await add_once(tx, Mark(name=MODELS, value="[]"))
        row = await tx.get_one(Mark, MODELS, with_for_update=True, populate_existing=True)
    known: list[str] = json.loads(row.value)
    if model in known:
        return False
    row.value = json.dumps([*known, model][-MODELS_KEPT:])
    tx.add(row)
    await tx.flush()
    newest = (
        select(_LOOK.c.media_id)
        .where(_LOOK.c.status_id >= ids.floor(tx.now - formula.WINDOW))
        .order_by(_LOOK.c.media_id.desc())
        .limit(AGAIN)
    )
    again = update(_LOOK).where(
        _LOOK.c.media_id.in_(newest), _LOOK.c.model != "", _LOOK.c.model != model
    )
    await tx.execute_core(again.values(wanted=model, tries=0, due_at=tx.now))
    return True


async def is_due(session: Session, model: str, enough: int, patience: timedelta) -> bool:
    """Whether so many pictures are to be looked at by now by a model, or one for so long."""
    query = select(_LOOK.c.due_at).where(
        _LOOK.c.due_at.is_not(None),
        _LOOK.c.due_at <= session.now,
        _LOOK.c.wanted.in_(("", model)),
    )
    waiting = (await session.execute(query.order_by(_LOOK.c.media_id.desc()).limit(enough))).all()
    if not waiting:
        return False
    since = min(row.due_at for row in waiting)
    return len(waiting) >= enough or since <= session.now - patience


async def take(tx: Transaction, model: str, most: int) -> list[Unseen]:
    """The next pictures for a model, the newest first. They are its own for `LEASE`; what is not
    answered until then is given to another, `TRIES` times at most."""
    query = (
        select(PictureLook, MediaAttachment)
        .join(MediaAttachment, col(MediaAttachment.id) == col(PictureLook.media_id))
        .where(
            col(PictureLook.due_at).is_not(None),
            col(PictureLook.due_at) <= tx.now,
            col(PictureLook.wanted).in_(("", model)),
        )
        .order_by(col(PictureLook.media_id).desc())
        .limit(most)
        .with_for_update(of=PictureLook, skip_locked=True)
    )
    taken = []
    for look, media in (await tx.execute(query)).all():
        look.tries += 1
        look.due_at = tx.now + LEASE if look.tries < TRIES else None
        tx.add(look)
        taken.append(Unseen(media, look.tries))
    await tx.flush()
    return taken


async def hidden(session: Session, media_ids: Collection[int]) -> set[int]:
    """Those of some pictures whose authors are shown to nobody."""
    query = (
        select(_MEDIUM.c.id)
        .join(_ACCOUNT, _ACCOUNT.c.id == _MEDIUM.c.account_id)
        .where(
            _MEDIUM.c.id.in_(media_ids),
            _ACCOUNT.c.suspended_at.is_not(None) | _ACCOUNT.c.deleted_at.is_not(None),
        )
    )
    return set((await session.execute(query)).scalars())


# ---- What comes of it --------------------------------------------------------------------------


async def answer(tx: Transaction, model: str, found: Mapping[int, Sight]) -> None:
    """Keep what a model saw in pictures. What went meanwhile stays gone."""
    query = select(PictureLook).where(col(PictureLook.media_id).in_(list(found)))
    changed: set[int] = set()
    for look in (await tx.execute(query)).scalars():
        sight = found[look.media_id]
        told = list(sight.words)
        if told != look.concepts:
            changed.add(look.status_id)
        look.concepts, look.sketch, look.model = told, sight.sketch or None, model
        look.wanted, look.due_at = "", None
        tx.add(look)
    tx.add_all([PictureChange(status_id=number) for number in sorted(changed)])
    await tx.flush()


async def give_back(tx: Transaction, media_ids: Collection[int]) -> None:
    """Pictures that were handed out were not looked at, for no reason of theirs."""
    if media_ids:
        back = update(_LOOK).where(_LOOK.c.media_id.in_(media_ids))
        await tx.execute_core(back.values(tries=_LOOK.c.tries - 1, due_at=tx.now))


async def put_off(tx: Transaction, taken: Collection[Unseen]) -> None:
    """The files of some pictures are not here: they are looked for again later, as often as
    pictures are handed out, and each time after twice as long."""
    for one in taken:
        later = tx.now + NOT_HERE * 2 ** (one.tries - 1) if one.tries < TRIES else None
        look = update(_LOOK).where(_LOOK.c.media_id == one.media.id)
        await tx.execute_core(look.values(due_at=later))


async def prune(tx: Transaction) -> None:
    """Let go of pictures that nobody has looked at, and that no feed can have any more."""
    floor = ids.floor(tx.now - formula.WINDOW)
    await tx.execute_core(delete(_LOOK).where(_LOOK.c.status_id < floor, _LOOK.c.model == ""))


async def forget(tx: Transaction) -> None:
    """Let go of all that was ever seen: nobody is to look at pictures any more."""
    feature = table_of(PictureFeature)
    await tx.execute_core(delete(_LOOK))
    await tx.execute_core(delete(feature).where(feature.c.kind == int(Kind.LOOK)))
    await tx.execute_core(delete(table_of(Mark)).where(table_of(Mark).c.name == MODELS))


async def is_anything_kept(session: Session) -> bool:
    """Whether there is anything that `forget` would let go of."""
    return (await session.execute(select(_LOOK.c.media_id).limit(1))).first() is not None
