"""Who runs this instance, and what each of them may do."""

from __future__ import annotations

from typing import Literal

from fedi.database import Session
from fedi.database.tables import Account, Login
from fedi.social.errors import NotAllowed

Power = Literal["dashboard", "reports", "users", "taxonomies", "federation", "blocks", "house"]

_MODERATOR: frozenset[Power] = frozenset(("dashboard", "reports", "users", "taxonomies"))
# As the roles of a fresh Mastodon: who settles quarrels need not decide about other servers.
POWERS: dict[str, frozenset[Power]] = {
    "moderator": _MODERATOR,
    # Rules, announcements, emoji, and the machines.
    "admin": _MODERATOR | {"federation", "blocks", "house"},
}
RANKS = {"user": 0, "moderator": 1, "admin": 2}

NOT_ALLOWED = "This action is not allowed"  # Mastodon's own words


def may(login: Login | None, power: Power) -> bool:
    """Whether somebody may do something of the kind."""
    return login is not None and power in POWERS.get(login.role, ())


async def check_rank(session: Session, staff: Account, target: Account) -> None:
    """Refuse to act on oneself, and on those who may do as much.

    Raises:
        NotAllowed: it is so.
    """
    own = await session.get(Login, staff.id)
    theirs = await session.get(Login, target.id)
    rank = RANKS.get(own.role, 0) if own is not None else 0
    if staff.id == target.id or (theirs is not None and RANKS.get(theirs.role, 0) >= rank):
        raise NotAllowed(NOT_ALLOWED)
