"""Another email address for an account, by an app: `POST /api/easel/v1/email`.

The password is asked for even so: a token alone must not be enough to take an account away.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from fedi.api import auth, body
from fedi.runtime import easel_of
from fedi.social import email_changes
from fedi.social.errors import Invalid


async def change(request: Request) -> Response:
    """`POST /api/easel/v1/email`: a link is sent to the new address, which counts once that was
    followed.

    Body (JSON): `{"email": "new@mail.example", "password": "that of today"}`. Needs the scope
    `write:accounts`.

    Returns:
        202, whether the address is somebody else's or not.
    """
    who = await auth.caller(request, "write:accounts")
    asked = await body.read_object(request)
    email, password = asked.get("email"), asked.get("password")
    if not isinstance(email, str) or not isinstance(password, str):
        raise Invalid("“email” and “password” must be texts.")
    await email_changes.ask(easel_of(request), who.account, email, password)
    return JSONResponse({}, 202, headers={"Cache-Control": "private, no-store"})


routes: list[BaseRoute] = [Route("/api/easel/v1/email", change, methods=["POST"])]
