"""Who may not come: domains of email addresses, single ones by their hashes, and networks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import Struct
from sqlmodel import SQLModel, col, select
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, paging
from fedi.api.mastodon.admin.access import by, route, row
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import Call, by_id
from fedi.database.tables import CanonicalEmailBlock, EmailDomainBlock, IpBlock
from fedi.social import audit, email_addresses, ip_blocks
from fedi.social import paging as listing
from fedi.social.errors import Invalid
from fedi.social.staff import Power

USUAL = 100  # of a page, as Mastodon
MOST_S = 10 * 366 * 24 * 3600  # seconds that a block of a network may last


class Domain(Struct, kw_only=True):
    domain: str


class Email(Struct, kw_only=True):
    email: str = ""
    canonical_email_hash: str = ""


class Network(Struct, kw_only=True):
    ip: str = ""
    severity: str = ""
    comment: str | None = None
    expires_in: int | None = None


async def _rows(call: Call, kind: type[SQLModel]) -> list[Any]:
    asked = await call.read(paging.Asked)
    async with call.easel.database.read() as session:
        number = kind.id  # type: ignore[attr-defined]
        return await listing.rows(session, select(kind), asked.page(USUAL), col(number))


def _domain(found: EmailDomainBlock) -> entities.AdminEmailDomainBlock:
    return entities.AdminEmailDomainBlock(
        id=str(found.id),
        domain=found.domain,
        created_at=entities.moment(found.created_at),
        history=[],  # who tried in vain is not counted
    )


async def email_domains(call: Call) -> Paged:
    found = await _rows(call, EmailDomainBlock)
    return paged([_domain(one) for one in found], by_id(found))


async def email_domain(call: Call) -> entities.AdminEmailDomainBlock:
    async with call.easel.database.read() as session:
        return _domain(await row(session, EmailDomainBlock, call.id()))


async def block_email_domain(call: Call) -> entities.AdminEmailDomainBlock:
    asked = await call.read(Domain)
    async with call.easel.database.write() as tx:
        made = await email_addresses.block_domain(tx, asked.domain)
        who = await by(tx, call)
        await audit.note(tx, who, "email_domain.block", made.domain, made.id)
    return _domain(made)


async def allow_email_domain(call: Call) -> dict[str, Any]:
    async with call.easel.database.write() as tx:
        found = await row(tx, EmailDomainBlock, call.id())
        await tx.delete(found)
        await audit.note(tx, await by(tx, call), "email_domain.unblock", found.domain, found.id)
    return {}


def _email(found: CanonicalEmailBlock) -> entities.AdminCanonicalEmailBlock:
    return entities.AdminCanonicalEmailBlock(
        id=str(found.id), canonical_email_hash=found.email_hash
    )


async def emails(call: Call) -> Paged:
    found = await _rows(call, CanonicalEmailBlock)
    return paged([_email(one) for one in found], by_id(found))


async def email(call: Call) -> entities.AdminCanonicalEmailBlock:
    async with call.easel.database.read() as session:
        return _email(await row(session, CanonicalEmailBlock, call.id()))


def _hash(asked: Email) -> str:
    if asked.email:
        return email_addresses.fingerprint(email_addresses.checked(asked.email))
    return asked.canonical_email_hash


async def test_email(call: Call) -> list[entities.AdminCanonicalEmailBlock]:
    """Which blocks an address falls under."""
    mark = _hash(await call.read(Email)).lower()
    async with call.easel.database.read() as session:
        query = select(CanonicalEmailBlock).where(CanonicalEmailBlock.email_hash == mark)
        return [_email(one) for one in (await session.exec(query)).all()]


async def block_email(call: Call) -> entities.AdminCanonicalEmailBlock:
    mark = _hash(await call.read(Email))
    async with call.easel.database.write() as tx:
        made = await email_addresses.block(tx, mark)
        await audit.note(tx, await by(tx, call), "email.block", made.email_hash, made.id)
    return _email(made)


async def allow_email(call: Call) -> dict[str, Any]:
    async with call.easel.database.write() as tx:
        found = await row(tx, CanonicalEmailBlock, call.id())
        await tx.delete(found)
        await audit.note(tx, await by(tx, call), "email.unblock", found.email_hash, found.id)
    return {}


def _network(found: IpBlock) -> entities.AdminIpBlock:
    return entities.AdminIpBlock(
        id=str(found.id),
        ip=found.ip,
        severity=found.severity,  # type: ignore[arg-type]
        comment=found.comment,
        created_at=entities.moment(found.created_at),
        expires_at=entities.optional_moment(found.expires_at),
    )


async def networks(call: Call) -> Paged:
    found = await _rows(call, IpBlock)
    return paged([_network(one) for one in found], by_id(found))


async def network(call: Call) -> entities.AdminIpBlock:
    async with call.easel.database.read() as session:
        return _network(await row(session, IpBlock, call.id()))


async def block_network(call: Call) -> entities.AdminIpBlock:
    return await _put(call, await call.read(Network), None)


async def change_network(call: Call) -> entities.AdminIpBlock:
    return await _put(call, await call.read(Network), call.id())


async def _put(call: Call, asked: Network, id_: int | None) -> entities.AdminIpBlock:
    """What is not sent stays as it is."""
    lasts = asked.expires_in or 0
    if not 0 <= lasts <= MOST_S:
        raise Invalid("A block lasts at most ten years.")
    async with call.easel.database.write() as tx:
        known = None if id_ is None else await row(tx, IpBlock, id_)
        until = None if known is None else known.expires_at
        if asked.expires_in is not None:
            until = tx.now + timedelta(seconds=lasts) if lasts else None
        comment = asked.comment
        if comment is None:
            comment = "" if known is None else known.comment
        made = await ip_blocks.put(
            tx,
            known,
            asked.ip or ("" if known is None else known.ip),
            asked.severity or ("" if known is None else known.severity),
            comment,
            until,
        )
        who = await by(tx, call)
        await audit.note(tx, who, "network.block", made.ip, made.id, severity=made.severity)
    return _network(made)


async def allow_network(call: Call) -> dict[str, Any]:
    async with call.easel.database.write() as tx:
        found = await row(tx, IpBlock, call.id())
        await ip_blocks.remove(tx, found)
        await audit.note(tx, await by(tx, call), "network.unblock", found.ip, found.id)
    return {}


POWER: Power = "blocks"
DOMAINS, EMAILS, NETWORKS = "email_domain_blocks", "canonical_email_blocks", "ip_blocks"


def _read(what: str) -> tuple[str, Power]:
    return f"admin:read:{what}", POWER


def _write(what: str) -> tuple[str, Power]:
    return f"admin:write:{what}", POWER


routes: list[BaseRoute] = [
    route("GET", f"/{DOMAINS}", email_domains, *_read(DOMAINS)),
    route("POST", f"/{DOMAINS}", block_email_domain, *_write(DOMAINS)),
    route("GET", f"/{DOMAINS}/{{id}}", email_domain, *_read(DOMAINS)),
    route("DELETE", f"/{DOMAINS}/{{id}}", allow_email_domain, *_write(DOMAINS)),
    route("GET", f"/{EMAILS}", emails, *_read(EMAILS)),
    route("POST", f"/{EMAILS}/test", test_email, *_read(EMAILS)),
    route("POST", f"/{EMAILS}", block_email, *_write(EMAILS)),
    route("GET", f"/{EMAILS}/{{id}}", email, *_read(EMAILS)),
    route("DELETE", f"/{EMAILS}/{{id}}", allow_email, *_write(EMAILS)),
    route("GET", f"/{NETWORKS}", networks, *_read(NETWORKS)),
    route("POST", f"/{NETWORKS}", block_network, *_write(NETWORKS)),
    route("GET", f"/{NETWORKS}/{{id}}", network, *_read(NETWORKS)),
    route("PUT", f"/{NETWORKS}/{{id}}", change_network, *_write(NETWORKS)),
    route("DELETE", f"/{NETWORKS}/{{id}}", allow_network, *_write(NETWORKS)),
]
