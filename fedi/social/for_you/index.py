"""What each public picture is about, and the `picture_index` job that keeps it.

Which posts changed stands in `picture_change`, by triggers, in the transaction of the change. It is
about what others made, and the same for all readers: nothing of what somebody likes is in it.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, exists, or_, select

from fedi import ids
from fedi.database import Session, Transaction
from fedi.database.among import among
from fedi.database.insertion import insert_new, table_of
from fedi.database.tables import (
    ForYouRanking,
    MediaAttachment,
    PictureChange,
    PictureFeature,
    PictureTerm,
    Status,
    StatusTag,
    Tag,
)
from fedi.jobs import Claimed, chore, enqueue, handles
from fedi.runtime import Easel
from fedi.social import text
from fedi.social.for_you import features, looks
from fedi.social.for_you.features import EVERY, Feature, Kind
from fedi.social.labels import AI_LABEL
from fedi.social.visibility import HELD
from generation import helpers

INDEX = "picture_index"
BATCH = 200  # changes that are looked at together
LOOKED_AT = 500  # terms of one job, whether they are still used
ATTEMPTS = 1000  # a job that lay dead would be the last
RANKING_KEPT = timedelta(days=1)
NOBODY = helpers.NONE  # in the settings: no model is to look at pictures

LABEL = text.normal_tag(AI_LABEL)  # every painted picture has it: nobody chose it

_CHANGE, _FEATURE = table_of(PictureChange), table_of(PictureFeature)
_STATUS, _MEDIUM = table_of(Status), table_of(MediaAttachment)
_TAG, _USE, _RANKING = table_of(Tag), table_of(StatusTag), table_of(ForYouRanking)
_TERM = table_of(PictureTerm)
_ANY = select(_CHANGE.c.id).limit(1)
_NEXT = select(_CHANGE).order_by(_CHANGE.c.id).limit(BATCH)
_START = bindparam("start", type_=_TERM.c.number.type)
_SOME = select(_TERM.c.number).order_by(_TERM.c.number).limit(LOOKED_AT)
_FROM, _FIRST = _SOME.where(_TERM.c.number >= _START), _SOME.where(_TERM.c.number < _START)
_FORGET = delete(_TERM).where(
    among(_TERM.c.number, "looked"),
    *(
        ~exists().where(_FEATURE.c.kind == int(kind), _FEATURE.c.value == _TERM.c.number)
        for kind in (Kind.TERM, Kind.PHRASE)
    ),
)


@chore
async def ask(easel: Easel, tx: Transaction, ending: bool) -> None:
    """Ask for the job when something has changed."""
    if not ending and (await tx.execute_core(_ANY, {})).first() is not None:
        await enqueue(tx, INDEX, {}, unique_key=INDEX)


@handles(INDEX, attempts=ATTEMPTS, at_once=1)
async def follow(easel: Easel, job: Claimed) -> None:
    """Bring the index up to date, in short transactions."""
    while True:
        async with easel.database.read() as session:
            rows = (await session.execute(_NEXT)).all()
            about = {row.status_id for row in rows}
            found, said, showing = await _read(session, about)
        if easel.settings.painting.recogniser == NOBODY:
            showing = {}
        async with easel.database.write() as tx:
            await tx.execute_core(delete(_CHANGE).where(_CHANGE.c.id.in_([r.id for r in rows])))
            await keep(tx, about, found, said)
            await looks.note(tx, about, showing)
            if len(rows) < BATCH:
                await forget_rankings(tx)
                await forget_terms(tx)
                await looks.prune(tx)
                await job.finish(tx)
                return


async def keep(
    tx: Transaction,
    about: Collection[int],
    found: dict[int, set[Feature]],
    said: dict[int, str],
) -> None:
    """Write down what posts are about, and nothing of what they were about before.

    Args:
        about: which posts.
        found: their features; nothing for those that nobody shall find so.
        said: the words of the terms among them.
    """
    await tx.execute_core(delete(_FEATURE).where(_FEATURE.c.status_id.in_(about)))
    rows = [
        {"kind": int(kind), "value": value, "status_id": status_id}
        for status_id, each in found.items()
        for kind, value in each
    ]
    if said:
        terms = [{"number": number, "words": words} for number, words in said.items()]
        await insert_new(tx, PictureTerm, terms)
    if rows:
        await insert_new(tx, PictureFeature, rows)


async def forget_rankings(tx: Transaction) -> None:
    """Let go of feeds that nobody reads on in any more."""
    floor = ids.floor(tx.now - RANKING_KEPT)
    await tx.execute_core(delete(_RANKING).where(_RANKING.c.id < floor))


async def forget_terms(tx: Transaction) -> None:
    """Let go of words that stand in no shared prompt any more, such as those of a deleted post:
    among a part of all, from a random place on, so that each has its turn."""
    start = random.randrange(2**63)  # the numbers are hashes
    looked = [row.number for row in await tx.execute_core(_FROM, {"start": start})]
    if len(looked) < LOOKED_AT:  # that was the end: on from the beginning
        looked += [row.number for row in await tx.execute_core(_FIRST, {"start": start})]
    await tx.execute_core(_FORGET, {"looked": looked})


async def _read(
    session: Session, about: Collection[int]
) -> tuple[dict[int, set[Feature]], dict[int, str], dict[int, int]]:
    """What posts are about as they stand, the words of its terms, and the pictures that a painter
    may look at."""
    pictured = select(_MEDIUM.c.id).where(
        _MEDIUM.c.status_id == _STATUS.c.id, _MEDIUM.c.type.in_(looks.SHOWN)
    )
    query = select(
        _STATUS.c.id, _STATUS.c.account_id, _STATUS.c.sensitive, _STATUS.c.spoiler_text
    ).where(
        _STATUS.c.id.in_(about),
        _STATUS.c.visibility == "public",
        _STATUS.c.deleted_at.is_(None),
        _STATUS.c.approval.not_in(HELD),
        _STATUS.c.reblog_of_id.is_(None),
        or_(
            _STATUS.c.in_reply_to_uri.is_(None),
            _STATUS.c.in_reply_to_account_id == _STATUS.c.account_id,
        ),
        pictured.exists(),
    )
    posts: dict[int, Any] = {row.id: row for row in (await session.execute(query)).all()}
    found = {
        status_id: {EVERY, (int(Kind.AUTHOR), int(row.account_id))}
        for status_id, row in posts.items()
    }
    tags = (
        select(_USE.c.status_id, _USE.c.tag_id)
        .join(_TAG, _TAG.c.id == _USE.c.tag_id)
        .where(_USE.c.status_id.in_(posts), _TAG.c.name != LABEL)
    )
    for status_id, tag_id in (await session.execute(tags)).all():
        found[status_id].add((int(Kind.TAG), tag_id))
    # What stands behind a warning is not written out without it.
    clear = [row.id for row in posts.values() if not row.sensitive and not row.spoiler_text]
    prompts: defaultdict[int, list[str]] = defaultdict(list)
    shared = select(_MEDIUM.c.status_id, _MEDIUM.c.ai_prompt).where(
        _MEDIUM.c.status_id.in_(clear), _MEDIUM.c.share_recipe.is_(True), _MEDIUM.c.ai_prompt != ""
    )
    for status_id, prompt in (await session.execute(shared)).all():
        prompts[status_id].append(prompt)
    said: dict[int, str] = {}
    for status_id, each in prompts.items():
        terms = features.terms(each)
        said |= {number: words for (_, number), words in terms.items()}
        found[status_id] |= terms.keys()
    for status_id, showing in (await looks.seen(session, clear)).items():
        found[status_id] |= showing
    return found, said, await looks.pictures(session, clear)
