"""What a group passes on of its members' doings (FEP-1b12: Lemmy, PieFed, Friendica).

The group is no witness: what an Announce embeds only says where to look. A post is read from its
author's server, and so is the activity itself, where it is one that leaves no other trace.
"""

from __future__ import annotations

from activitypub import origin
from activitypub.errors import Malformed
from activitypub.objects import Activity
from fedi.database.tables import Account
from fedi.federation import remote
from fedi.federation.handlers import reactions, rereading, undoing
from fedi.federation.handlers.effects import Effect, Handler, status_by_uri
from fedi.runtime import Easel

_FETCHED: dict[str, Handler] = {
    "EmojiReact": reactions.react,
    "Like": reactions.like,
    "Undo": undoing.undo,
}


async def relayed(easel: Easel, inner: Activity) -> Effect | None:
    """What somebody did, as far as their own server confirms it; other types do nothing here."""
    if inner.type in {"Update", "Delete"}:
        async with easel.database.read() as session:
            status = await status_by_uri(session, inner.object_id)
        return await rereading.again(easel, status) if status is not None else None
    handler = _FETCHED.get(inner.type)
    if handler is None or inner.id is None:
        return None
    got = await easel.client.get_document(inner.id, await remote.instance_signer(easel))
    confirmed = Activity.parse(got.document)
    if confirmed.type != inner.type or confirmed.actor is None:
        raise Malformed("The activity is not what the group says it is.")
    forbidden = origin.check(confirmed, confirmed.actor)
    if forbidden is not None:
        raise Malformed(f"Refused: {forbidden}.")
    actor = await _somebody(easel, confirmed.actor)
    return await handler(easel, actor, confirmed) if actor is not None else None


async def _somebody(easel: Easel, uri: str) -> Account | None:
    """Who did it; None if they are of this instance, suspended or gone."""
    if origin.origin(uri) == easel.settings.instance.url:
        return None
    account = await remote.account(easel, uri)
    return account if account.suspended_at is None and account.deleted_at is None else None
