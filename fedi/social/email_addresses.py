"""Email addresses: which are some, which may be used to come here, and which are one person's."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from sqlmodel import col, select

from activitypub import origin
from fedi.database import Session, Transaction
from fedi.database.tables import CanonicalEmailBlock, EmailDomainBlock
from fedi.social.domains import above
from fedi.social.errors import Invalid

MAX_LENGTH = 254  # characters (RFC 5321)
# What HTML takes for one: nothing that could end a header, or be read as two addresses.
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = re.compile(rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)+{_LABEL}")


def checked(email: str) -> str:
    """An address as it is stored.

    Raises:
        Invalid: it is none.
    """
    email = email.strip().lower()
    if len(email) > MAX_LENGTH or not _ADDRESS.fullmatch(email):
        raise Invalid("That is no email address.")
    return email


def canonical(email: str) -> str:
    """An address without what most servers read over: dots, and what follows a plus."""
    local, _, domain = email.strip().lower().rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def fingerprint(email: str) -> str:
    """By what an address is known that may not be used again, without being kept."""
    return hashlib.sha256(canonical(email).encode()).hexdigest()


async def refused(session: Session, email: str, domains: Sequence[str] = ()) -> bool:
    """Whether nobody may come with an address.

    Args:
        domains: those that the settings refuse.
    """
    names = list(above(email.rpartition("@")[2]))
    if not set(names).isdisjoint(domains):
        return True
    by_domain = select(EmailDomainBlock.id).where(col(EmailDomainBlock.domain).in_(names))
    by_hash = select(CanonicalEmailBlock.id).where(
        CanonicalEmailBlock.email_hash == fingerprint(email)
    )
    for query in (by_domain, by_hash):
        if (await session.exec(query.limit(1))).first() is not None:
            return True
    return False


async def block_domain(tx: Transaction, domain: str) -> EmailDomainBlock:
    """Let nobody come with addresses of a domain, or of what lies below it.

    Raises:
        Invalid: it is none, or is blocked already.
    """
    name = origin.authority(domain.strip().removeprefix("@"))
    if name is None:
        raise Invalid(f"{domain[:100]} is no domain.")
    known = select(EmailDomainBlock).where(EmailDomainBlock.domain == name)
    if (await tx.exec(known)).first() is not None:
        raise Invalid(f"{name} is blocked already.")
    row = EmailDomainBlock(id=tx.new_id(), domain=name, created_at=tx.now)
    tx.add(row)
    await tx.flush()
    return row


async def block(tx: Transaction, email_hash: str) -> CanonicalEmailBlock:
    """Let somebody not come again.

    Args:
        email_hash: their `fingerprint`.

    Raises:
        Invalid: it is none.
    """
    email_hash = email_hash.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", email_hash):
        raise Invalid("That is no SHA-256 of an email address.")
    known = select(CanonicalEmailBlock).where(CanonicalEmailBlock.email_hash == email_hash)
    row = (await tx.exec(known)).first()
    if row is None:
        row = CanonicalEmailBlock(id=tx.new_id(), email_hash=email_hash, created_at=tx.now)
        tx.add(row)
        await tx.flush()
    return row
