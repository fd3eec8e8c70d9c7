"""Who an app acts for, and how they like it: their own account, and their preferences."""

from __future__ import annotations

from starlette.routing import BaseRoute

from fedi.api.mastodon import entities
from fedi.api.mastodon.route import Call, route
from fedi.api.mastodon.views import accounts as views
from fedi.database.tables import Account, Login


async def verify(call: Call) -> entities.CredentialAccount:
    async with call.easel.database.read() as session:
        account = await session.get_one(Account, call.account.id)
        return await views.credentials(call.easel, session, account)


async def preferences(call: Call) -> entities.Preferences:
    async with call.easel.database.read() as session:
        return views.preferences(await session.get(Login, call.account.id))


routes: list[BaseRoute] = [
    route("GET", "/api/v1/accounts/verify_credentials", verify, "profile read:accounts"),
    route("GET", "/api/v1/preferences", preferences, "read:accounts"),
]
