"""What somebody shows on their profile: pinned posts and hashtags, each in its own collection."""

from __future__ import annotations

from typing import Any

from activitypub.addressing import PUBLIC
from activitypub.objects import Activity
from activitypub.objects import activity as activities
from fedi.database import Transaction
from fedi.database.tables import Account, FeaturedTag, Pin, Status, Tag
from fedi.federation import recipients
from fedi.federation.relays import Ready
from fedi.federation.translate import outward
from fedi.settings import InstanceSettings
from fedi.social import featured_tags, pins


def pin_activity(account: Account, status: Status, pin: Pin, *, undone: bool = False) -> Activity:
    """The Add of a pinned post, by its id; or the Remove that ends it."""
    uri = pins.remove_uri(account, pin) if undone else pins.add_uri(account, pin)
    return _of_post(account, status, uri, undone=undone)


def tag_activity(
    instance: InstanceSettings,
    account: Account,
    tag: Tag,
    featured: FeaturedTag,
    *,
    undone: bool = False,
) -> Activity:
    """The Add of a hashtag that is shown, embedded; or the Remove that ends it."""
    made = featured_tags.remove_uri if undone else featured_tags.add_uri
    return _of_tag(instance, account, tag, made(account, featured), undone=undone)


def _of_post(account: Account, status: Status, uri: str, *, undone: bool) -> Activity:
    assert account.featured_uri is not None
    make = activities.remove if undone else activities.add
    return make(
        uri,
        account.uri,
        status.uri,
        account.featured_uri,
        to=[PUBLIC],
        cc=[account.followers_uri],
    )


def _of_tag(
    instance: InstanceSettings, account: Account, tag: Tag, uri: str, *, undone: bool
) -> Activity:
    make = activities.remove if undone else activities.add
    return make(
        uri,
        account.uri,
        outward.hashtag(tag, instance).document(),
        outward.featured_tags_uri(account),
        to=[PUBLIC],
        cc=[account.followers_uri],
    )


async def pin(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    """The Add of a post, unless it is not pinned any more."""
    row = await tx.get(Pin, payload["pin_id"])
    status = await tx.get(Status, row.status_id) if row is not None else None
    account = await _speaker(tx, row.account_id) if row is not None else None
    if row is None or account is None or status is None or status.deleted_at is not None:
        return None
    made = pin_activity(account, status, row)
    return account, made, await recipients.of_followers(tx, account)


async def unpin(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    """The Remove of a post, unless it is pinned again, or its Delete says it all."""
    account = await _speaker(tx, payload["account_id"])
    status = await tx.get(Status, payload["status_id"])
    if account is None or status is None or status.deleted_at is not None:
        return None
    if await pins.find(tx, account, status) is not None:
        return None
    made = _of_post(account, status, payload["uri"], undone=True)
    return account, made, await recipients.of_followers(tx, account)


async def feature_tag(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    """The Add of a hashtag, unless it is not shown any more."""
    row = await tx.get(FeaturedTag, payload["featured_id"])
    tag = await tx.get(Tag, row.tag_id) if row is not None else None
    account = await _speaker(tx, row.account_id) if row is not None else None
    if row is None or tag is None or account is None:
        return None
    made = tag_activity(tx.instance, account, tag, row)
    return account, made, await recipients.of_followers(tx, account)


async def unfeature_tag(tx: Transaction, payload: dict[str, Any]) -> Ready | None:
    """The Remove of a hashtag, unless it is shown again."""
    account = await _speaker(tx, payload["account_id"])
    tag = await tx.get(Tag, payload["tag_id"])
    if account is None or tag is None:
        return None
    if any(shown.id == tag.id for shown in await featured_tags.of_account(tx, account)):
        return None
    made = _of_tag(tx.instance, account, tag, payload["uri"], undone=True)
    return account, made, await recipients.of_followers(tx, account)


async def _speaker(tx: Transaction, account_id: int) -> Account | None:
    """An account that can still say something."""
    account = await tx.get(Account, account_id)
    if account is None or account.deleted_at is not None or not account.private_key_pem:
        return None
    return account
