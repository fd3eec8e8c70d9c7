"""Actors, as other servers read them."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from activitypub.objects import Tombstone
from fedi.database.tables import Account
from fedi.federation.documents.reading import VARY, answer, here, wants_page
from fedi.federation.translate import outward
from fedi.runtime import Easel, easel_of
from fedi.social import account_keys, accounts, registration
from fedi.social.account_keys import Listed


async def instance_actor(request: Request) -> Response:
    """`GET /actor`: who signs for the instance. Readable by all, or nobody could ever check."""
    easel = easel_of(request)
    async with easel.database.read() as session:
        actor = await accounts.instance_actor(session)
        assert actor is not None
        keys = await account_keys.listed(session, actor)
    if wants_page(request):
        return RedirectResponse("/about", 302, headers=VARY)
    return await _document(easel, actor, keys)


async def actor(request: Request) -> Response:
    """`GET /users/NAME`."""
    easel = easel_of(request)
    async with easel.database.read() as session:
        uri = f"{session.instance.url}/users/{request.path_params['name']}"
        account = await accounts.by_uri(session, uri)
        if account is not None and account.local and account.deleted_at is not None:
            if wants_page(request):
                raise HTTPException(410, "That account is deleted.", headers=VARY)
            stone = Tombstone(id=uri, former_type="Person", deleted=account.deleted_at)
            return answer(stone.document(), status=410)
        account = here(account)
        if await registration.waits(session, account):
            raise HTTPException(404, "There is no such account.", headers=VARY)
        if wants_page(request):
            return RedirectResponse(account.url, 302, headers=VARY)
        keys = await account_keys.listed(session, account)
    return await _document(easel, account, keys)


async def _document(easel: Easel, account: Account, keys: Sequence[Listed]) -> Response:
    """The document of a local account; one from before there were such keys gets its key now."""
    if not keys:
        async with easel.database.write() as tx:
            made = await account_keys.ensure(tx, account)
        keys = [Listed(made.key_id, made.public_pem)]
    return answer(outward.actor(account, easel.settings.instance, keys).document())


routes: list[BaseRoute] = [
    Route("/actor", instance_actor),
    Route("/users/{name}", actor),
]
