"""Whose share of the painters' time a picture takes: its author's, or that of who asked its author
for it. All of another server have one share together, with all servers of the same domain: a
server can have as many people as it likes, and a domain as many servers."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col

from activitypub import origin
from fedi.database.tables import Account, Painting


def key(asker: Account) -> str:
    """`Painting.share` of what somebody asks another account for."""
    return f"@{origin.domain_of(asker.domain)}" if asker.domain else str(asker.id)


def taken_by(account: Account) -> ColumnElement[bool]:
    """As SQL: paintings that take the share of an account, of here or elsewhere."""
    others = col(Painting.share) == key(account)
    if not account.local:
        return others
    return or_(others, and_(col(Painting.account_id) == account.id, col(Painting.share).is_(None)))
