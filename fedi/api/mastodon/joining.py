"""Accounts that are made by an app, and whether their email addresses are confirmed."""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute

from fedi.api import auth
from fedi.api.mastodon.route import Call, entity, route
from fedi.api.oauth.token import document
from fedi.database.tables import Login
from fedi.social import grants, registration
from fedi.social.registration import Joining, Refused

WRITE = "write:accounts"


class Asked(Struct, kw_only=True):
    username: str = ""
    email: str = ""
    password: str = ""
    agreement: bool = False
    locale: str = ""
    reason: str = ""
    invite_code: str = ""
    date_of_birth: str = ""


class Email(Struct, kw_only=True):
    email: str = ""


async def join(call: Call) -> Any:
    """Make an account. Its token may do nothing until the email address is confirmed."""
    app = await auth.app_caller(call.request, WRITE)
    if app.application is None:
        raise HTTPException(403, "This token was made on the command line, for no app.")
    asked = await call.read(Asked)
    client = call.request.client
    joining = Joining(
        username=asked.username,
        email=asked.email,
        password=asked.password,
        agreement=asked.agreement,
        locale=asked.locale,
        reason=asked.reason,
        invite_code=asked.invite_code,
        date_of_birth=day(asked.date_of_birth),
        address=client.host if client is not None else "",
        application_id=app.application.id,
    )
    try:
        account = await registration.join(call.easel, joining)
    except Refused as error:
        return refusal(error)
    async with call.easel.database.write() as tx:
        issued = await grants.for_joined(tx, app.application, account, app.token.scopes)
    return document(issued)


def day(text: str) -> date | None:
    """A day as `YYYY-MM-DD`; None for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def refusal(error: Refused) -> Response:
    """What is wrong with which field, as Mastodon says it."""
    details = {
        field: [{"error": code, "description": words} for code, words in complaints]
        for field, complaints in error.complaints.items()
    }
    return entity({"error": f"Validation failed: {error}", "details": details}, 422)


async def confirm_again(call: Call) -> Any:
    """Send the mail once more, to another address if one is named."""
    who = await auth.newcomer(call.request, WRITE)
    asked = await call.read(Email)
    async with call.easel.database.read() as session:
        login = await session.get(Login, who.account.id)
    app = who.application
    if login is None or app is None or login.application_id != app.id:
        raise HTTPException(403, "Only the app that made the account can ask for this.")
    if login.confirmed_at is not None:
        raise HTTPException(403, "The email address is confirmed already.")
    try:
        await registration.correct_email(call.easel, who.account.id, asked.email)
    except Refused as error:
        return refusal(error)
    return {}


async def check(call: Call) -> bool:
    """Whether the email address is confirmed: apps ask until it is."""
    who = await auth.newcomer(call.request, "read:accounts")
    async with call.easel.database.read() as session:
        login = await session.get(Login, who.account.id)
    return login is not None and login.confirmed_at is not None


# Who asks is found out by each itself: for nobody, or for somebody who may do nothing else yet.
routes: list[BaseRoute] = [
    route("POST", "/api/v1/accounts", join),
    route("POST", "/api/v1/emails/confirmations", confirm_again),
    route("GET", "/api/v1/emails/check_confirmation", check),
]
