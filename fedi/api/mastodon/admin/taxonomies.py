"""`/api/v1/admin/trends` and `tags`: what many look at, and whether it may be shown so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct, structs
from sqlmodel import col, select
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, paging
from fedi.api.mastodon.admin.access import by, route, row
from fedi.api.mastodon.discovery import MAX_POSTS, MAX_TRENDS, USUAL_TRENDS, Part
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import NO_RECORD, Call, by_id
from fedi.api.mastodon.views import links as link_views
from fedi.api.mastodon.views import statuses as status_views
from fedi.api.mastodon.views import tags as tag_views
from fedi.database import Session
from fedi.database.tables import Status, Tag
from fedi.runtime import Easel
from fedi.social import audit
from fedi.social import paging as listing
from fedi.social.errors import Invalid, NotFound
from fedi.social.staff import Power
from fedi.social.trends import listing as trends
from fedi.social.trends import verdicts

USUAL = 100  # hashtags of a page, as Mastodon


class Changing(Struct, kw_only=True):
    """Hashtags are always usable and listed here."""

    display_name: str = ""
    trendable: bool | None = None


async def _tags(easel: Easel, session: Session, tags: Sequence[Tag]) -> list[entities.AdminTag]:
    judged = await verdicts.of(session, "tag", [tag.id for tag in tags])
    review = easel.settings.trends.review
    shown = await tag_views.show(easel, session, None, tags)
    return [
        entities.AdminTag(
            **structs.asdict(entity),
            trendable=judged.get(tag.id, not review),
            usable=True,
            requires_review=review and tag.id not in judged,
        )
        for tag, entity in zip(tags, shown, strict=True)
    ]


async def trending_tags(call: Call) -> list[entities.AdminTag]:
    bounds = (await call.read(Part)).bounds(USUAL_TRENDS, MAX_TRENDS)
    async with call.easel.database.read() as session:
        found = await trends.tags(session, None, "all", **bounds)
        return await _tags(call.easel, session, found)


async def trending_statuses(call: Call) -> list[entities.AdminStatus]:
    bounds = (await call.read(Part)).bounds(paging.USUAL, MAX_POSTS)
    async with call.easel.database.read() as session:
        found = await trends.statuses(session, None, "all", **bounds)
        return await _statuses(call, session, found)


async def _statuses(
    call: Call, session: Session, statuses: Sequence[Status]
) -> list[entities.AdminStatus]:
    judged = await verdicts.of(session, "status", [status.id for status in statuses])
    shown = await status_views.show(call.easel, session, call.account, statuses)
    return [
        entities.AdminStatus(
            **structs.asdict(entity),
            requires_review=call.easel.settings.trends.review and status.id not in judged,
        )
        for status, entity in zip(statuses, shown, strict=True)
    ]


async def trending_links(call: Call) -> list[entities.AdminLink]:
    bounds = (await call.read(Part)).bounds(USUAL_TRENDS, MAX_TRENDS)
    async with call.easel.database.read() as session:
        found = await trends.links(session, None, "all", **bounds)
        return await _links(call.easel, session, found)


async def _links(
    easel: Easel, session: Session, links: Sequence[trends.Link]
) -> list[entities.AdminLink]:
    judged = await verdicts.of(session, "link", [link.number for link in links])
    shown = await link_views.show(easel, session, links)
    return [
        entities.AdminLink(
            **structs.asdict(entity),
            id=str(link.number),
            requires_review=easel.settings.trends.review and link.number not in judged,
        )
        for link, entity in zip(links, shown, strict=True)
    ]


def _judging_link(allowed: bool) -> Callable[[Call], Awaitable[entities.AdminLink]]:
    async def judge(call: Call) -> entities.AdminLink:
        async with call.easel.database.write() as tx:
            link = await trends.find_link(tx, call.id())
            if link is None:
                raise NotFound(NO_RECORD)
            await verdicts.judge(tx, "link", link.number, allowed=allowed)
            action = "link.approve" if allowed else "link.reject"
            await audit.note(tx, await by(tx, call), action, link.address, link.number)
            [shown] = await _links(call.easel, tx, [link])
            return shown

    return judge


def _judging_tag(allowed: bool) -> Callable[[Call], Awaitable[entities.AdminTag]]:
    async def judge(call: Call) -> entities.AdminTag:
        async with call.easel.database.write() as tx:
            tag = await row(tx, Tag, call.id())
            await verdicts.judge(tx, "tag", tag.id, allowed=allowed)
            action = "tag.approve" if allowed else "tag.reject"
            await audit.note(tx, await by(tx, call), action, f"#{tag.name}", tag.id)
            [shown] = await _tags(call.easel, tx, [tag])
            return shown

    return judge


def _judging_status(allowed: bool) -> Callable[[Call], Awaitable[entities.AdminStatus]]:
    async def judge(call: Call) -> entities.AdminStatus:
        async with call.easel.database.write() as tx:
            status = await row(tx, Status, call.id())
            if status.visibility != "public" or status.deleted_at is not None:
                raise NotFound(NO_RECORD)  # nothing else can be shown to everybody
            await verdicts.judge(tx, "status", status.id, allowed=allowed)
            action = "status.approve" if allowed else "status.reject"
            await audit.note(tx, await by(tx, call), action, status.uri, status.id)
            [shown] = await _statuses(call, tx, [status])
            return shown

    return judge


async def tags(call: Call) -> Paged:
    asked = await call.read(paging.Asked)
    async with call.easel.database.read() as session:
        found = await listing.rows(session, select(Tag), asked.page(USUAL), col(Tag.id))
        return paged(await _tags(call.easel, session, found), by_id(found))


async def tag(call: Call) -> entities.AdminTag:
    async with call.easel.database.read() as session:
        [shown] = await _tags(call.easel, session, [await row(session, Tag, call.id())])
        return shown


async def change_tag(call: Call) -> Any:
    asked = await call.read(Changing)
    async with call.easel.database.write() as tx:
        found = await row(tx, Tag, call.id())
        if asked.display_name:
            if asked.display_name.lower() != found.name:
                raise Invalid("Only the case of a hashtag's letters can be changed.")
            found.display_name = asked.display_name
            tx.add(found)
        if asked.trendable is not None:
            await verdicts.judge(tx, "tag", found.id, allowed=asked.trendable)
        await audit.note(tx, await by(tx, call), "tag.update", f"#{found.name}", found.id)
    return await tag(call)


READ, WRITE = "admin:read", "admin:write"
POWER: Power = "taxonomies"
TRENDS, TAGS = "/trends", "/tags"
routes: list[BaseRoute] = [
    route("GET", f"{TRENDS}/tags", trending_tags, READ, POWER),
    route("GET", f"{TRENDS}/statuses", trending_statuses, READ, POWER),
    route("GET", f"{TRENDS}/links", trending_links, READ, POWER),
    route("POST", f"{TRENDS}/tags/{{id}}/approve", _judging_tag(True), WRITE, POWER),
    route("POST", f"{TRENDS}/tags/{{id}}/reject", _judging_tag(False), WRITE, POWER),
    route("POST", f"{TRENDS}/statuses/{{id}}/approve", _judging_status(True), WRITE, POWER),
    route("POST", f"{TRENDS}/statuses/{{id}}/reject", _judging_status(False), WRITE, POWER),
    route("POST", f"{TRENDS}/links/{{id}}/approve", _judging_link(True), WRITE, POWER),
    route("POST", f"{TRENDS}/links/{{id}}/reject", _judging_link(False), WRITE, POWER),
    route("GET", TAGS, tags, READ, POWER),
    route("GET", f"{TAGS}/{{id}}", tag, READ, POWER),
    route("PUT", f"{TAGS}/{{id}}", change_tag, WRITE, POWER),
]
