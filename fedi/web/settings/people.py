"""The people somebody has to do with, and how that is changed: who follows, who is muted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database import Session
from fedi.database.tables import Account
from fedi.runtime import easel_of
from fedi.social import blocks, follows, mutes
from fedi.social.paging import Page
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import claims, gallery
from fedi.web import cursors, visitors
from fedi.web.settings import sheets
from fedi.web.views import people
from fedi.web.views.people import Maker
from fedi.web.views.posts import Moment, moment

LENGTH = 40  # people on one page, as Mastodon's API

# Whom, each by the id that they are listed by, and until when.
Read = Callable[[Session, Account, Page], Awaitable[list[tuple[int, Account, datetime | None]]]]


@dataclass(frozen=True, slots=True)
class Listing:
    """People as a page.

    Attributes:
        name: what the page is called, and its path under `/settings`.
        words: what they are to who looks.
        tie: what its button does (`web.ties`).
        button: what it says.
        blank: what to say of nobody.
        kin: the pages it stands among.
    """

    name: str
    words: str
    tie: str
    button: str
    blank: str
    read: Read
    kin: tuple[tuple[str, str], ...]

    @property
    def path(self) -> str:
        return f"/settings/{self.name}"


@dataclass(frozen=True, slots=True)
class Person:
    maker: Maker
    id: str
    until: Moment | None


async def _followers(
    session: Session, account: Account, page: Page
) -> list[tuple[int, Account, datetime | None]]:
    rows = await follows.listed(session, account, page, followers=True)
    return [(follow.id, other, None) for follow, other in rows]


async def _following(
    session: Session, account: Account, page: Page
) -> list[tuple[int, Account, datetime | None]]:
    rows = await follows.listed(session, account, page, followers=False)
    return [(follow.id, other, None) for follow, other in rows]


async def _muted(
    session: Session, account: Account, page: Page
) -> list[tuple[int, Account, datetime | None]]:
    rows = await mutes.listed(session, account, page)
    return [(mute.id, other, mute.expires_at) for mute, other in rows]


async def _blocked(
    session: Session, account: Account, page: Page
) -> list[tuple[int, Account, datetime | None]]:
    rows = await blocks.listed(session, account, page)
    return [(block.id, other, None) for block, other in rows]


TIES = (
    ("/settings/followers", "Followers"),
    ("/settings/following", "Following"),
    ("/settings/tags", "Hashtags"),
    ("/settings/requests", "Requests"),
)
UNSEEN = (
    ("/settings/muted", "Muted"),
    ("/settings/blocked", "Blocked"),
    ("/settings/domains", "Domains"),
)
LISTINGS = (
    Listing(
        "followers",
        "They get what you post to followers. Who is removed can follow again, or be blocked.",
        "reject", "Remove", "Nobody follows you yet.", _followers, TIES,
    ),
    Listing(
        "following",
        "What they post comes to your home timeline.",
        "unfollow", "Unfollow", "You follow nobody yet.", _following, TIES,
    ),
    Listing(
        "muted",
        "You see nothing of them, and they do not know it.",
        "unmute", "Unmute", "You have muted nobody.", _muted, UNSEEN,
    ),
    Listing(
        "blocked",
        "Neither of you sees or follows the other.",
        "unblock", "Unblock", "You have blocked nobody.", _blocked, UNSEEN,
    ),
)  # fmt: skip


async def _show(request: Request, visitor: SignedIn, listing: Listing) -> Response:
    """`GET /settings/NAME`."""
    max_id = cursors.max_id(request)
    easel = easel_of(request)
    async with easel.database.read() as session:
        rows = await listing.read(session, visitor.account, Page(LENGTH + 1, max_id))
        found = rows[:LENGTH]
        hung = await gallery.of(easel, session, of_many([other for _, other, _ in found]))
    shown = [
        Person(
            people.maker(other, hung, visitor.account),
            str(other.id),
            moment(until) if until is not None else None,
        )
        for _, other, until in found
    ]
    return sheets.show(
        request,
        "people.html",
        listing=listing,
        people=shown,
        listable=listing.name == "following",
        older=f"{listing.path}?max_id={found[-1][0]}" if len(rows) > LENGTH else None,
        newer=listing.path if max_id else None,
    )


def of_many(accounts: Sequence[Account]) -> list[claims.Claim]:
    """The pictures of several accounts."""
    return [claim for account in accounts for claim in claims.of_account(account)]


def _route(listing: Listing) -> Route:
    page = visitors.signed_in(partial(_show, listing=listing))
    return Route(listing.path, page, methods=["GET"])


routes: list[BaseRoute] = [_route(listing) for listing in LISTINGS]
