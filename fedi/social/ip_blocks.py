"""Networks from which nobody may come, or nobody unseen, or nobody may ask for anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal, get_args
from weakref import WeakKeyDictionary

from sqlmodel import select

from fedi.database import Transaction
from fedi.database.marks import Watch, change
from fedi.database.tables import IpBlock
from fedi.runtime import Easel
from fedi.social.errors import Invalid

TOPIC = "ip_blocks"
Severity = Literal["sign_up_requires_approval", "sign_up_block", "no_access"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
MAX_COMMENT = 2000  # characters
# A mistake should not shut out half of the world.
LEAST_BITS = {4: 8, 6: 16}


@dataclass(frozen=True, slots=True)
class _Held:
    network: IPv4Network | IPv6Network
    severity: str
    expires_at: datetime | None


class _View:
    def __init__(self, easel: Easel) -> None:
        self.watch = Watch(easel.database, TOPIC)
        self.held: Sequence[_Held] = ()


_views: WeakKeyDictionary[Easel, _View] = WeakKeyDictionary()


async def severity(easel: Easel, address: str) -> str | None:
    """What is thought of an address: the hardest of the networks that it lies in."""
    view = _views.get(easel)
    if view is None:
        view = _views[easel] = _View(easel)
    if await view.watch.changed():
        async with easel.database.read() as session:
            rows = (await session.exec(select(IpBlock))).all()
        view.held = [_Held(ip_network(row.ip), row.severity, row.expires_at) for row in rows]
    if not view.held:
        return None
    try:
        found = ip_address(address)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    now = easel.clock.now()
    over = [
        held.severity
        for held in view.held
        if found in held.network and (held.expires_at is None or held.expires_at > now)
    ]
    return max(over, key=lambda one: SEVERITIES.index(one), default=None)


def network(text: str) -> str:
    """A network as it is stored.

    Raises:
        Invalid: it is none, or too large.
    """
    try:
        found = ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise Invalid("That is no IP address or network.") from error
    if found.prefixlen < LEAST_BITS[found.version]:
        raise Invalid("That network is too large.")
    return str(found)


async def put(
    tx: Transaction,
    row: IpBlock | None,
    ip: str,
    severity: str,
    comment: str,
    until: datetime | None,
) -> IpBlock:
    """Make a block, or change one.

    Args:
        row: the one to change.
        until: when it ends; never, if None.

    Raises:
        Invalid: it is no network or no severity, or is blocked already.
    """
    name = network(ip)
    if severity not in SEVERITIES:
        raise Invalid(f"The severity must be one of {', '.join(SEVERITIES)}.")
    known = (await tx.exec(select(IpBlock).where(IpBlock.ip == name))).first()
    if known is not None and (row is None or known.id != row.id):
        raise Invalid(f"{name} is blocked already.")
    if row is None:
        row = IpBlock(id=tx.new_id(), ip=name, severity=severity, created_at=tx.now)
    row.ip, row.severity = name, severity
    row.comment, row.expires_at = comment[:MAX_COMMENT], until
    tx.add(row)
    await tx.flush()
    await change(tx, TOPIC)
    return row


async def remove(tx: Transaction, row: IpBlock) -> None:
    """Take a block back."""
    await tx.delete(row)
    await tx.flush()
    await change(tx, TOPIC)
