"""What people elsewhere pin to their profiles, read where they show it.

Whoever follows them hears of what they pin from then on (`handlers.collections`); not of what they
pinned before, and of some servers not at all: GoToSocial 0.20 tells nobody. When it is read, says
`arrivals`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlmodel import col, select

from activitypub import origin
from activitypub.client import FetchError
from activitypub.errors import Malformed
from activitypub.objects import values
from activitypub.objects.collection import Item
from activitypub.objects.note import NOTE_TYPES
from fedi.database.tables import Account, Pin, Status
from fedi.federation import answers, remote
from fedi.jobs import Backoff, Claimed, handles
from fedi.runtime import Easel
from fedi.social import pins
from fedi.social.errors import SocialError

MAX_PAGES = 2
BACKOFF = Backoff(first=timedelta(minutes=10), factor=6)


@handles("featured", attempts=3, at_once=4, per_lane=2, backoff=BACKOFF)
async def featured(easel: Easel, job: Claimed) -> None:
    """Read what somebody pins, and hold the same."""
    async with easel.database.read() as session:
        account = await session.get(Account, job.payload["account_id"])
    if account is None or account.deleted_at is not None or account.suspended_at is not None:
        return
    assert account.featured_uri is not None
    try:
        listed = await _listed(easel, account, account.featured_uri)
    except Malformed:
        return
    except FetchError as error:
        remote.retry(error)
        return
    shown = [status for uri in listed if (status := await _post(easel, account, uri)) is not None]
    async with easel.database.write() as tx:
        held = await tx.exec(
            select(Status)
            .join(Pin, col(Pin.status_id) == col(Status.id))
            .where(Pin.account_id == account.id)
        )
        for status in held.all():
            if status.uri not in listed:
                await pins.remove(tx, account, status)
        for status in reversed(shown):  # the first of them was pinned last
            with contextlib.suppress(SocialError):  # not for everybody, or deleted meanwhile
                await pins.add(tx, account, status)
        await job.finish(tx)


async def _listed(easel: Easel, account: Account, address: str) -> list[str]:
    """The ids of the posts in somebody's collection, the last pinned first.

    Raises:
        FetchError: it cannot be had.
        Malformed: it is no collection.
    """
    signer = await remote.instance_signer(easel)
    found: dict[str, None] = {}
    following: str | None = address
    for _ in range(MAX_PAGES):
        if not origin.same_origin(following, address):
            break
        assert following is not None
        got = await easel.client.get_document(following, signer)
        items, following = answers.page_of(got.document)
        found.update(dict.fromkeys(_posts(items, account)))
    return list(found)[: pins.MAX_PINS]


def _posts(items: Sequence[Item], account: Account) -> list[str]:
    """Those of the members that may be posts of the account: Mastodon lists hashtags, too."""
    return [
        uri
        for item in items
        if (uri := values.uri(item)) is not None
        and origin.same_origin(uri, account.uri)
        and (isinstance(item, str) or _is_post(item))
    ]


def _is_post(item: Mapping[str, Any]) -> bool:
    try:
        return values.kind(item) in NOTE_TYPES
    except Malformed:
        return False


async def _post(easel: Easel, account: Account, uri: str) -> Status | None:
    """A post of the account's by its id; None if it cannot be had, or is another's."""
    try:
        found = await remote.status(
            easel, uri, belongs=lambda note: note.attributed_to == account.uri
        )
    except (FetchError, Malformed):
        return None
    return found if found is not None and found.account_id == account.id else None
