"""`/admin/joining`: who asks to be let in, and invitations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.database.tables import Account, Invite, Login
from fedi.runtime import easel_of
from fedi.social import invites, posts, roster
from fedi.social.errors import Invalid, SocialError
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import gallery
from fedi.web.admin import access
from fedi.web.admin.access import Deed, Fields
from fedi.web.views import staff as views
from fedi.web.views.posts import Moment, moment
from fedi.web.views.staff import Person

LENGTH = 50  # who ask, on the page, the first
MOST_INVITES = 100  # that are listed, the newest
PATH = "/admin/joining"

MODES = {
    "closed": "Nobody can join.",
    "approval": "Whoever asks waits for one of you.",
    "invite": "Who has an invitation can join.",
    "open": "Everybody can join.",
}


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody who asks to be let in."""

    person: Person
    email: str
    address: str
    words: str
    since: Moment


@dataclass(frozen=True, slots=True)
class Ticket:
    """An invitation. `holds` says whether somebody may still come by it."""

    code: str
    address: str
    used: str
    until: Moment | None
    holds: bool
    by: str
    words: str


@access.only("users")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/joining`."""
    return await _page(request, visitor, {})


async def _page(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    easel = easel_of(request)
    async with easel.database.read() as session:
        asking = await roster.asking(session, limit=LENGTH)
        total = await roster.count_asking(session)
        hung = await gallery.of(easel, session, [])
        rows = (await invites.every(session))[:MOST_INVITES]
        hosts = await posts.accounts_of(
            session, {row.account_id for row in rows if row.account_id is not None}
        )
        tickets = [
            _ticket(row, hosts, easel.settings.instance.url, holds=invites.holds(row, session.now))
            for row in rows
        ]

    def ask(account: Account, login: Login) -> Asking:
        return Asking(
            person=views.person(account, login, hung, visitor.account),
            email=login.email or "",
            address=login.address,
            words=login.reason,
            since=moment(login.created_at),
        )

    return access.page(
        request,
        visitor,
        "joining",
        "joining",
        error=error,
        mode=MODES[easel.settings.registrations.mode],
        closed=easel.settings.registrations.mode == "closed",
        asking=[ask(account, login) for account, login in asking],
        more=max(0, total - len(asking)),
        tickets=tickets,
        uses=fields.get("uses", "1"),
        days=fields.get("days", ""),
        comment=fields.get("comment", ""),
        longest=invites.MAX_COMMENT,
    )


def _ticket(row: Invite, hosts: dict[int, Account], url: str, *, holds: bool) -> Ticket:
    host = hosts.get(row.account_id or 0)
    return Ticket(
        code=row.code,
        address=invites.address(row, url),
        used=f"{row.uses} of {row.max_uses}" if row.max_uses is not None else f"{row.uses}",
        until=moment(row.expires_at) if row.expires_at is not None else None,
        holds=holds,
        by=f"@{host.acct}" if host is not None else views.COMMAND_LINE,
        words=row.comment,
    )


def _number(deed: Deed, field: str, what: str, most: int) -> int | None:
    text = deed.fields.get(field, "").strip()
    if not text:
        return None
    with access.typed(field):
        known = text.isascii() and text.isdecimal() and len(text) <= 6
        if not known or not 1 <= int(text) <= most:
            raise Invalid(f"{what} is a number from 1 to {most:,}.")
    return int(text)


async def _invite(deed: Deed) -> str:
    uses = _number(deed, "uses", "How many may come", invites.MAX_USES)
    days = _number(deed, "days", "For how many days it holds", invites.MAX_DAYS)
    made = await invites.create(
        deed.tx,
        account=deed.who,
        uses=uses,
        lasts=None if days is None else timedelta(days=days),
        comment=deed.fields.get("comment", ""),
    )
    await deed.note("invite.create", made.code, made.id)
    return f"{PATH}#invitations"


async def _revoke(deed: Deed) -> str:
    row = await invites.revoke(deed.tx, deed.fields.get("id", ""))
    await deed.note("invite.revoke", row.code, row.id)
    return f"{PATH}#invitations"


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    access.deed("/joining/invite", "users", _invite, _page),
    access.deed("/joining/revoke", "users", _revoke, _page),
]
