"""Who the assistant is: an account of this instance that nobody signs in to."""

from __future__ import annotations

from fedi import logs
from fedi.database import Session, Transaction
from fedi.database.tables import Account, Login
from fedi.settings import AssistantSettings
from fedi.social import accounts
from fedi.social.errors import Invalid

ACTOR_TYPE = "Service"  # Mastodon shows a bot

# What its profile says; nobody signs in to it, so nobody else writes there.
NOTE = (
    "<p>I paint what you ask me for. Name me in a post and say what you want to see. "
    "Whoever is in a thread can write @{name} stop: then I am silent in it. I am a program.</p>"
)

log = logs.get(__name__)


async def find(session: Session, settings: AssistantSettings) -> Account | None:
    """The assistant; None where there is none."""
    if not settings.enabled:
        return None
    account = await accounts.find_local(session, settings.name)
    return account if account is not None and await _is_ours(session, account) else None


async def ensure(tx: Transaction, settings: AssistantSettings) -> None:
    """Make the assistant on the first start with one, and have its profile say what it says today.
    Where somebody has its name, there is none: an account is never taken over."""
    if not settings.enabled:
        return
    note = NOTE.format(name=settings.name)
    existing = await accounts.by_handle(tx, settings.name)
    if existing is not None:
        if not await _is_ours(tx, existing):
            log.error(
                "assistant_name_taken", name=settings.name, do="choose another assistant.name"
            )
        elif existing.note != note:
            existing.note = note
            await accounts.update_profile(tx, existing)
        return
    try:
        account = await accounts.add_person(tx, settings.name, settings.name.capitalize())
    except Invalid as refusal:
        log.error("assistant_not_made", name=settings.name, reason=str(refusal))
        return
    account.actor_type = ACTOR_TYPE
    account.note = note
    tx.add(account)
    await tx.flush()


async def _is_ours(session: Session, account: Account) -> bool:
    """Whether nobody can sign in to it: people have a login, even while they wait to be let in."""
    return account.actor_type == ACTOR_TYPE and await session.get(Login, account.id) is None
