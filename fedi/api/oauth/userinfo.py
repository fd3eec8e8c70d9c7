"""`/oauth/userinfo`: who somebody is, in the words of OpenID Connect."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.api import auth
from fedi.api.oauth.answers import answer, endpoint
from fedi.runtime import easel_of


@endpoint
async def show(request: Request) -> Response:
    """`GET` and `POST`: whose token it is, for apps that want to know no more than that."""
    who = await auth.caller(request, "profile", "read:accounts")
    instance = easel_of(request).settings.instance
    account = who.account
    told = {
        "iss": instance.url,
        "sub": account.uri,
        "name": account.display_name or account.username,
        "preferred_username": account.username,
        "profile": account.url,
    }
    if account.avatar:
        told["picture"] = f"{instance.url}/media/{account.avatar}"
    return answer(told)


routes: list[BaseRoute] = [Route("/oauth/userinfo", show, methods=["GET", "POST"])]
