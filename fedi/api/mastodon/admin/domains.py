"""`/api/v1/admin/domain_blocks` and `domain_allows`: what is thought of other servers."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from msgspec import Struct
from sqlmodel import SQLModel, col, select
from starlette.routing import BaseRoute

from fedi.api.mastodon import entities, paging
from fedi.api.mastodon.admin.access import by, route
from fedi.api.mastodon.paging import Paged, paged
from fedi.api.mastodon.route import NO_RECORD, Call, entity
from fedi.database import Session
from fedi.database.tables import DomainAllow, DomainRule
from fedi.social import audit, domains
from fedi.social import paging as listing
from fedi.social.errors import NotFound
from fedi.social.staff import Power

USUAL = 100  # of a page, as Mastodon
Severity = Literal["noop", "silence", "suspend"]


class Block(Struct, kw_only=True):
    """What is not sent stays as it is."""

    domain: str = ""
    severity: Severity | None = None
    reject_media: bool | None = None
    reject_reports: bool | None = None
    private_comment: str | None = None
    public_comment: str | None = None
    obfuscate: bool | None = None


class Allow(Struct, kw_only=True):
    domain: str


def _limited(call: Call) -> bool:
    return call.easel.settings.federation.mode == "limited"


async def _numbered(session: Session, kind: Any, id_: int) -> Any:
    found = (await session.exec(select(kind).where(kind.id == id_))).first()
    if found is None:
        raise NotFound(NO_RECORD)
    return found


async def _rows(call: Call, kind: type[SQLModel]) -> list[Any]:
    asked = await call.read(paging.Asked)
    number = kind.id  # type: ignore[attr-defined]
    async with call.easel.database.read() as session:
        query = select(kind).where(col(number).is_not(None))
        return await listing.rows(session, query, asked.page(USUAL), col(number))


def _block(row: DomainRule) -> entities.AdminDomainBlock:
    return entities.AdminDomainBlock(
        id=str(row.id),
        domain=row.domain,
        digest=hashlib.sha256(row.domain.encode()).hexdigest(),
        created_at=entities.moment(row.created_at),
        severity="noop" if row.severity == "none" else row.severity,  # type: ignore[arg-type]
        reject_media=row.reject_media,
        reject_reports=row.reject_reports,
        private_comment=row.private_comment,
        public_comment=row.public_comment,
        obfuscate=row.obfuscate,
    )


async def blocks(call: Call) -> Paged:
    found = await _rows(call, DomainRule)
    return paged([_block(row) for row in found], [row.id for row in found])


async def block(call: Call) -> entities.AdminDomainBlock:
    async with call.easel.database.read() as session:
        return _block(await _numbered(session, DomainRule, call.id()))


async def make_block(call: Call) -> Any:
    asked = await call.read(Block)
    name = domains.checked(asked.domain)
    async with call.easel.database.write() as tx:
        known = await tx.get(DomainRule, name)
        if known is not None:
            told = {"error": f"{name} has a rule already.", "existing_domain_block": _block(known)}
            return entity(told, 422)
        wanted = _changed(DomainRule(domain=name), asked)
        await domains.put(tx, [wanted], limited=_limited(call))
        who = await by(tx, call)
        await audit.note(tx, who, "domain.block", name, severity=wanted.severity)
        return _block(await tx.get_one(DomainRule, name))


async def change_block(call: Call) -> entities.AdminDomainBlock:
    asked = await call.read(Block)
    async with call.easel.database.write() as tx:
        row = await _numbered(tx, DomainRule, call.id())
        wanted = _changed(DomainRule(**row.model_dump()), asked)
        await domains.put(tx, [wanted], limited=_limited(call))
        who = await by(tx, call)
        await audit.note(tx, who, "domain.change", row.domain, severity=wanted.severity)
        return _block(await tx.get_one(DomainRule, row.domain))


def _changed(row: DomainRule, asked: Block) -> DomainRule:
    if asked.severity is not None:
        row.severity = "none" if asked.severity == "noop" else asked.severity
    for name in (
        "reject_media", "reject_reports", "private_comment", "public_comment", "obfuscate"
    ):  # fmt: skip
        value = getattr(asked, name)
        if value is not None:
            setattr(row, name, value)
    return row


async def lift_block(call: Call) -> dict[str, Any]:
    async with call.easel.database.write() as tx:
        row = await _numbered(tx, DomainRule, call.id())
        await domains.remove(tx, row.domain, limited=_limited(call))
        await audit.note(tx, await by(tx, call), "domain.unblock", row.domain)
    return {}


def _allow(row: DomainAllow) -> entities.AdminDomainAllow:
    return entities.AdminDomainAllow(
        id=str(row.id), domain=row.domain, created_at=entities.moment(row.created_at)
    )


async def allows(call: Call) -> Paged:
    found = await _rows(call, DomainAllow)
    return paged([_allow(row) for row in found], [row.id for row in found])


async def allow(call: Call) -> entities.AdminDomainAllow:
    async with call.easel.database.read() as session:
        return _allow(await _numbered(session, DomainAllow, call.id()))


async def make_allow(call: Call) -> entities.AdminDomainAllow:
    """The same again, if the domain is allowed already."""
    name = domains.checked((await call.read(Allow)).domain)
    async with call.easel.database.write() as tx:
        await domains.allow(tx, name, limited=_limited(call))
        await audit.note(tx, await by(tx, call), "domain.allow", name)
        return _allow(await tx.get_one(DomainAllow, name))


async def take_allow(call: Call) -> dict[str, Any]:
    async with call.easel.database.write() as tx:
        row = await _numbered(tx, DomainAllow, call.id())
        await domains.disallow(tx, row.domain, limited=_limited(call))
        await audit.note(tx, await by(tx, call), "domain.disallow", row.domain)
    return {}


POWER: Power = "federation"
BLOCKS, ALLOWS = "/domain_blocks", "/domain_allows"
READ_BLOCKS, WRITE_BLOCKS = "admin:read:domain_blocks", "admin:write:domain_blocks"
READ_ALLOWS, WRITE_ALLOWS = "admin:read:domain_allows", "admin:write:domain_allows"
routes: list[BaseRoute] = [
    route("GET", BLOCKS, blocks, READ_BLOCKS, POWER),
    route("POST", BLOCKS, make_block, WRITE_BLOCKS, POWER),
    route("GET", f"{BLOCKS}/{{id}}", block, READ_BLOCKS, POWER),
    route("PUT", f"{BLOCKS}/{{id}}", change_block, WRITE_BLOCKS, POWER),
    route("DELETE", f"{BLOCKS}/{{id}}", lift_block, WRITE_BLOCKS, POWER),
    route("GET", ALLOWS, allows, READ_ALLOWS, POWER),
    route("POST", ALLOWS, make_allow, WRITE_ALLOWS, POWER),
    route("GET", f"{ALLOWS}/{{id}}", allow, READ_ALLOWS, POWER),
    route("DELETE", f"{ALLOWS}/{{id}}", take_allow, WRITE_ALLOWS, POWER),
]
