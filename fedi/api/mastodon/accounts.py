"""People: looked up, what they posted, whom they follow, and who follows them."""

from __future__ import annotations

from msgspec import Struct
from starlette.routing import BaseRoute

from fedi import ids
from fedi.api.mastodon import entities, finding, paging
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import Call, by_id, route
from fedi.api.mastodon.views import accounts as views
from fedi.api.mastodon.views import statuses as status_views
from fedi.database import Session
from fedi.database.tables import Account
from fedi.social import accounts, blocks, follows, timelines

ACCOUNTS = "/api/v1/accounts"
MAX_MANY = 40  # accounts that are asked for at once


class Lookup(Struct, kw_only=True):
    acct: str


class Many(Struct, kw_only=True):
    id: list[str] = []


class Posts(paging.Asked, kw_only=True):
    pinned: bool = False
    exclude_replies: bool = False
    exclude_reblogs: bool = False
    tagged: str = ""


async def lookup(call: Call) -> entities.Account:
    """Somebody by their handle, as far as they are known here."""
    asked = await call.read(Lookup)
    async with call.easel.database.read() as session:
        found = finding.there(await accounts.by_handle(session, asked.acct))
        [shown] = await views.show(call.easel, session, [found])
        return shown


async def one(call: Call) -> entities.Account:
    async with call.easel.database.read() as session:
        found = await finding.account(session, call.id())
        [shown] = await views.show(call.easel, session, [found])
        return shown


async def many(call: Call) -> list[entities.Account]:
    asked = await call.read(Many)
    wanted = numbers(asked.id, MAX_MANY)
    async with call.easel.database.read() as session:
        found = await finding.accounts_by_id(session, wanted)
        return await views.show(call.easel, session, found)


async def posts(call: Call) -> Paged:
    asked = await call.read(Posts)
    async with call.easel.database.read() as session:
        author = await finding.account(session, call.id())
        found = await timelines.of_account(
            session,
            call.viewer,
            author,
            asked.page(),
            replies=not asked.exclude_replies,
            boosts=not (asked.exclude_reblogs or asked.only_media or asked.pinned),
            tag=asked.tagged,
            pinned=asked.pinned,
        )
        shown = await status_views.show(call.easel, session, call.viewer, found)
    return paged(shown, by_id(found))


async def followers(call: Call) -> Paged:
    return await _tied(call, followers=True)


async def following(call: Call) -> Paged:
    return await _tied(call, followers=False)


async def _tied(call: Call, *, followers: bool) -> Paged:
    page = (await call.read(paging.Asked)).page(paging.USUAL_ACCOUNTS)
    async with call.easel.database.read() as session:
        account = await finding.account(session, call.id())
        if not _is(account, call.viewer) and (
            account.hide_collections or await _blocks(session, account, call.viewer)
        ):
            return paged([], [])
        found = await follows.listed(session, account, page, followers=followers)
        shown = await views.show(call.easel, session, [other for _, other in found])
    return paged(shown, [follow.id for follow, _ in found])


async def _blocks(session: Session, account: Account, viewer: Account | None) -> bool:
    return viewer is not None and await blocks.find(session, account.id, viewer.id) is not None


def _is(account: Account, viewer: Account | None) -> bool:
    return viewer is not None and viewer.id == account.id


def numbers(written: list[str], most: int) -> list[int]:
    """Ids as apps list them; what is none is passed over."""
    found = (ids.parse(one) for one in written)
    return list(dict.fromkeys(one for one in found if one is not None))[:most]


READ = "read:accounts"
routes: list[BaseRoute] = [
    route("GET", f"{ACCOUNTS}/lookup", lookup, READ, anybody=True),
    route("GET", ACCOUNTS, many, READ, anybody=True),
    route("GET", f"{ACCOUNTS}/{{id}}", one, READ, anybody=True),
    route("GET", f"{ACCOUNTS}/{{id}}/statuses", posts, "read:statuses", anybody=True),
    route("GET", f"{ACCOUNTS}/{{id}}/followers", followers, READ, anybody=True),
    route("GET", f"{ACCOUNTS}/{{id}}/following", following, READ, anybody=True),
]
