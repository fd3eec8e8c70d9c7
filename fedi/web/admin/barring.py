"""`/admin/barred`: who may not come: networks, domains of email addresses, and single ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlmodel import col, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.database import Session
from fedi.database.tables import CanonicalEmailBlock, EmailDomainBlock, IpBlock
from fedi.runtime import easel_of
from fedi.social import email_addresses, ip_blocks, paging
from fedi.social.errors import Invalid, SocialError
from fedi.social.paging import Page
from fedi.social.sessions import SignedIn
from fedi.web import cursors
from fedi.web.admin import access
from fedi.web.admin.access import Deed, Fields
from fedi.web.views.posts import moment

LENGTH = 50  # of each kind on one page
PATH = "/admin/barred"

SEVERITIES = {
    "sign_up_requires_approval": "Who joins from there waits for one of you",
    "sign_up_block": "Nobody joins from there",
    "no_access": "Nothing is served there",
}
LASTS = {"": "For good", "1": "A day", "7": "A week", "30": "A month", "365": "A year"}


@access.only("blocks")
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /admin/barred`: each kind, the newest first."""
    return await _page(request, visitor, {})


async def _page(
    request: Request, visitor: SignedIn, fields: Fields, error: SocialError | None = None
) -> Response:
    async with easel_of(request).database.read() as session:
        networks, older_networks = await _rows(request, session, IpBlock, "networks")
        domains, older_domains = await _rows(request, session, EmailDomainBlock, "domains")
        emails, older_emails = await _rows(request, session, CanonicalEmailBlock, "emails")
        now = session.now
    return access.page(
        request,
        visitor,
        "barred",
        "barred",
        error=error,
        networks=[
            (
                str(row.id),
                row.ip,
                SEVERITIES[row.severity],
                row.comment,
                moment(row.expires_at) if row.expires_at is not None else None,
                row.expires_at is not None and row.expires_at <= now,
            )
            for row in networks
        ],
        domains=[(str(row.id), row.domain) for row in domains],
        emails=[(str(row.id), row.email_hash, moment(row.created_at)) for row in emails],
        older_networks=older_networks,
        older_domains=older_domains,
        older_emails=older_emails,
        severities=SEVERITIES,
        lasts=LASTS,
        typed={name: fields.get(name, "") for name in
               ("ip", "severity", "days", "comment", "domain", "email")},
        longest=ip_blocks.MAX_COMMENT,
    )  # fmt: skip


async def _rows(
    request: Request, session: Session, kind: Any, name: str
) -> tuple[list[Any], str | None]:
    """One page of a kind, and where it goes on."""
    page = Page(LENGTH + 1, cursors.number(request, name))
    found = await paging.rows(session, select(kind), page, col(kind.id))
    more = len(found) > LENGTH
    shown = found[:LENGTH]
    return shown, access.address(PATH, (name, str(shown[-1].id))) + f"#{name}" if more else None


async def _block_network(deed: Deed) -> str:
    days = deed.fields.get("days", "")
    if days not in LASTS:
        raise Invalid("Choose how long it lasts.")
    with access.typed("ip"):
        made = await ip_blocks.put(
            deed.tx,
            None,
            deed.fields.get("ip", ""),
            deed.fields.get("severity", ""),
            deed.fields.get("comment", ""),
            deed.tx.now + timedelta(days=int(days)) if days else None,
        )
    await deed.note("network.block", made.ip, made.id, severity=made.severity)
    return f"{PATH}#networks"


async def _free_network(deed: Deed) -> str:
    found = await _named(deed, IpBlock)
    await ip_blocks.remove(deed.tx, found)
    await deed.note("network.unblock", found.ip, found.id)
    return f"{PATH}#networks"


async def _block_domain(deed: Deed) -> str:
    with access.typed("domain"):
        made = await email_addresses.block_domain(deed.tx, deed.fields.get("domain", ""))
    await deed.note("email_domain.block", made.domain, made.id)
    return f"{PATH}#domains"


async def _free_domain(deed: Deed) -> str:
    found = await _named(deed, EmailDomainBlock)
    await deed.tx.delete(found)
    await deed.note("email_domain.unblock", found.domain, found.id)
    return f"{PATH}#domains"


async def _block_email(deed: Deed) -> str:
    with access.typed("email"):
        address = email_addresses.checked(deed.fields.get("email", ""))
    made = await email_addresses.block(deed.tx, email_addresses.fingerprint(address))
    await deed.note("email.block", made.email_hash, made.id)
    return f"{PATH}#emails"


async def _free_email(deed: Deed) -> str:
    found = await _named(deed, CanonicalEmailBlock)
    await deed.tx.delete(found)
    await deed.note("email.unblock", found.email_hash, found.id)
    return f"{PATH}#emails"


async def _named(deed: Deed, kind: Any) -> Any:
    return await deed.row(kind, ids.parse(deed.fields.get("id")) or 0)


routes: list[BaseRoute] = [
    Route(PATH, show, methods=["GET"]),
    *(
        access.deed(f"/barred/{name}", "blocks", do, _page)
        for name, do in {
            "networks": _block_network,
            "networks/lift": _free_network,
            "domains": _block_domain,
            "domains/lift": _free_domain,
            "emails": _block_email,
            "emails/lift": _free_email,
        }.items()
    ),
]
