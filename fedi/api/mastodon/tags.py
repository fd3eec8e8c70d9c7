"""Hashtags: read, followed, and shown on a profile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct
from sqlalchemy import func
from sqlmodel import col, select
from starlette.routing import BaseRoute, Route

from fedi.api.mastodon import entities, finding, paging
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import NO_RECORD, Call, route
from fedi.api.mastodon.views import tags as views
from fedi.database import Session, Transaction
from fedi.database.tables import Account, FeaturedTag, Status, StatusTag, Tag
from fedi.runtime import Easel
from fedi.social import featured_tags, followed_tags, text
from fedi.social.errors import NotFound
from fedi.social.text import tag_url
from fedi.social.visibility import SHOWN_TO_ALL

TAGS, FEATURED = "/api/v1/tags", "/api/v1/featured_tags"
SUGGESTED = 10  # hashtags, as Mastodon


class Naming(Struct, kw_only=True):
    name: str


async def one(call: Call) -> entities.Tag:
    """A hashtag; one that nobody used yet, too."""
    words = followed_tags.named(call.text("name"))
    async with call.easel.database.read() as session:
        found = await followed_tags.find(session, words)
        tag = found or Tag(id=0, name=text.normal_tag(words), display_name=words)
        [shown] = await views.show(call.easel, session, call.viewer, [tag])
        return shown


Change = Callable[[Transaction, Account, str], Awaitable[Tag]]


async def _feature(tx: Transaction, account: Account, name: str) -> Tag:
    _, tag = await featured_tags.add(tx, account, followed_tags.named(name))
    return tag


async def _unfeature(tx: Transaction, account: Account, name: str) -> Tag:
    tag = await followed_tags.ensure(tx, name)
    if any(shown.id == tag.id for shown in await featured_tags.of_account(tx, account)):
        await featured_tags.remove(tx, account, name)
    return tag


def _tie(verb: str, change: Change, scope: str) -> Route:
    """A route that changes what a hashtag is to somebody, and answers with how it is now."""

    async def handler(call: Call) -> entities.Tag:
        async with call.easel.database.write() as tx:
            account = await tx.get_one(Account, call.account.id)
            tag = await change(tx, account, call.text("name"))
        async with call.easel.database.read() as session:
            [shown] = await views.show(call.easel, session, call.viewer, [tag])
            return shown

    return route("POST", f"{TAGS}/{{name}}/{verb}", handler, scope)


async def followed(call: Call) -> Paged:
    asked = await call.read(paging.Asked)
    async with call.easel.database.read() as session:
        found = await followed_tags.of_account(session, call.account, asked.page(100))
        shown = await views.show(call.easel, session, call.account, [tag for _, tag in found])
    return paged(shown, [key for key, _ in found])


# ---- on profiles --------------------------------------------------------------------------------


async def featured(call: Call) -> list[entities.FeaturedTag]:
    async with call.easel.database.read() as session:
        return await _featured(call.easel, session, call.account)


async def of_account(call: Call) -> list[entities.FeaturedTag]:
    async with call.easel.database.read() as session:
        return await _featured(call.easel, session, await finding.account(session, call.id()))


async def feature(call: Call) -> entities.FeaturedTag:
    asked = await call.read(Naming)
    async with call.easel.database.write() as tx:
        account = await tx.get_one(Account, call.account.id)
        row, _ = await featured_tags.add(tx, account, asked.name)
    async with call.easel.database.read() as session:
        shown = await _featured(call.easel, session, call.account)
    return next(one for one in shown if one.id == str(row.id))


async def unfeature(call: Call) -> entities.Empty:
    async with call.easel.database.write() as tx:
        account = await tx.get_one(Account, call.account.id)
        row = await tx.get(FeaturedTag, call.id())
        if row is None or row.account_id != account.id:
            raise NotFound(NO_RECORD)
        tag = await tx.get_one(Tag, row.tag_id)
        await featured_tags.remove(tx, account, tag.name)
    return entities.Empty()


async def suggested(call: Call) -> list[entities.Tag]:
    """What somebody uses most, and does not show yet."""
    shown = select(FeaturedTag.tag_id).where(FeaturedTag.account_id == call.account.id)
    query: Any = (
        select(Tag)
        .join(StatusTag, col(StatusTag.tag_id) == col(Tag.id))
        .join(Status, col(Status.id) == col(StatusTag.status_id))
        .where(
            Status.account_id == call.account.id,
            col(Status.deleted_at).is_(None),
            col(Tag.id).not_in(shown),
        )
        .group_by(col(Tag.id))
        .order_by(func.count().desc(), col(Tag.name))
        .limit(SUGGESTED)
    )
    async with call.easel.database.read() as session:
        found = list((await session.exec(query)).all())
        return await views.show(call.easel, session, call.account, found)


async def _featured(easel: Easel, session: Session, account: Account) -> list[entities.FeaturedTag]:
    """The hashtags that an account shows, with how often it used them in public."""
    query: Any = (
        select(
            FeaturedTag,
            Tag,
            func.count(col(Status.id)),
            func.max(col(Status.id)),
        )
        .join(Tag, col(Tag.id) == col(FeaturedTag.tag_id))
        .outerjoin(StatusTag, col(StatusTag.tag_id) == col(Tag.id))
        .outerjoin(
            Status,
            (col(Status.id) == col(StatusTag.status_id))
            & (col(Status.account_id) == account.id)
            & col(Status.deleted_at).is_(None)
            & col(Status.visibility).in_(SHOWN_TO_ALL),
        )
        .where(FeaturedTag.account_id == account.id)
        .group_by(col(FeaturedTag.id), col(Tag.id))
        .order_by(col(FeaturedTag.id))
    )
    rows = (await session.exec(query)).all()
    last = {row[3] for row in rows if row[3] is not None}
    statuses = await session.exec(select(Status).where(col(Status.id).in_(last)))
    when = {status.id: status.created_at for status in statuses.all()}
    return [
        entities.FeaturedTag(
            id=str(featured.id),
            name=tag.display_name,
            url=tag_url(tag.name, easel.settings.instance.url),
            statuses_count=str(count),
            last_status_at=entities.day(when[latest]) if latest in when else None,
        )
        for featured, tag, count, latest in rows
    ]


READ = "read:accounts"
routes: list[BaseRoute] = [
    route("GET", f"{TAGS}/{{name}}", one, "read", anybody=True),
    _tie("follow", followed_tags.follow, "write:follows"),
    _tie("unfollow", followed_tags.unfollow, "write:follows"),
    _tie("feature", _feature, "write:accounts"),
    _tie("unfeature", _unfeature, "write:accounts"),
    route("GET", "/api/v1/followed_tags", followed, "read:follows"),
    route("GET", FEATURED, featured, READ),
    route("POST", FEATURED, feature, "write:accounts"),
    route("GET", f"{FEATURED}/suggestions", suggested, READ),
    route("DELETE", f"{FEATURED}/{{id}}", unfeature, "write:accounts"),
    route("GET", "/api/v1/accounts/{id}/featured_tags", of_account, READ, anybody=True),
]
