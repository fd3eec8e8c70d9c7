"""The pages that mails lead to: a new password, another address, and no more digests."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.database.tables import Login
from fedi.mail import digests
from fedi.mail.writing import CHANGE
from fedi.runtime import easel_of
from fedi.social import (
    attempts,
    credentials,
    email_changes,
    mail_links,
    passkeys,
    registration,
    second_factor,
)
from fedi.social.errors import SocialError
from fedi.web import forms
from fedi.web.joining import OVER, address_of, told, write_to
from fedi.web.render import private_page

RESET = "/reset-password"
SETTINGS = "/settings/security"


async def ask(request: Request) -> Response:
    """`GET /reset-password`: of whom?"""
    return _ask_page(request)


async def send(request: Request) -> Response:
    """`POST /reset-password`: told the same whether the address is known here or not."""
    fields = await forms.read(request)
    try:
        await write_to(request, "reset", fields.get("email", ""))
    except SocialError as error:
        return _ask_page(request, error)
    words = "If an account here has that address, a mail with a link is on its way to it."
    return told(request, "Look into your mail", words, {"Back to signing in": "/sign-in"})


async def ask_new(request: Request) -> Response:
    """`GET /reset-password/new?token=TOKEN`."""
    token = forms.parsed(request.url.query).get("token", "")
    async with easel_of(request).database.read() as session:
        found = await mail_links.find(session, token, "reset")
    if found is None:
        return _ask_page(request, SocialError(OVER, 404))
    return _new_page(request, token, found.account.username)


async def set_new(request: Request) -> Response:
    """`POST /reset-password/new`: every browser and every app is signed out, no passkey is left,
    nor one-time codes that were switched on of late."""
    fields = await forms.read(request)
    easel, token = easel_of(request), fields.get("token", "")
    attempts.by_address(easel, attempts.LINKS_OF_ADDRESS, address_of(request))
    async with easel.database.read() as session:
        found = await mail_links.find(session, token, "reset")
    if found is None:
        return _ask_page(request, SocialError(OVER, 404))
    try:
        hashed = await credentials.hash_password(fields.get("new", ""))
    except SocialError as error:
        return _new_page(request, token, found.account.username, error)
    async with easel.database.write() as tx:
        found = await mail_links.find(tx, token, "reset")  # it holds once
        if found is not None:
            await mail_links.end(tx, found.account, "reset")
            await credentials.keep_password(tx, found.account, hashed)
            # So somebody takes an account back: an intruder may have left a key.
            await passkeys.remove_all(tx, found.account)
            await second_factor.dispute(tx, found.account)
            await registration.confirm(tx, found.account, found.login)
    if found is None:
        return _ask_page(request, SocialError(OVER, 404))
    return RedirectResponse("/sign-in", 303, {"Cache-Control": "no-store"})


def _ask_page(request: Request, error: SocialError | None = None) -> Response:
    return _form(request, "reset_password.html", error)


def _new_page(
    request: Request, token: str, name: str, error: SocialError | None = None
) -> Response:
    return _form(request, "new_password.html", error, token=token, name=name)


def _form(request: Request, template: str, error: SocialError | None, **context: Any) -> Response:
    response = private_page(
        request,
        template,
        status=error.status if error is not None else 200,
        here="sign-in",
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
        **context,
    )
    return forms.remember(request, forms.patient(response, error))


async def ask_change(request: Request) -> Response:
    """`GET /change-email?token=TOKEN`: with a button, since programs follow the links of mails."""
    token = forms.parsed(request.url.query).get("token", "")
    async with easel_of(request).database.read() as session:
        found = await email_changes.find(session, token)
    if found is None:
        return _over(request)
    name, email = found.account.username, found.link.email
    return _form(request, "change_email.html", None, token=token, name=name, email=email)


async def change(request: Request) -> Response:
    """`POST /change-email`."""
    fields = await forms.read(request)
    easel = easel_of(request)
    attempts.by_address(easel, attempts.LINKS_OF_ADDRESS, address_of(request))
    async with easel.database.write() as tx:
        found = await email_changes.find(tx, fields.get("token", ""))
        done = found is not None and await email_changes.change(tx, found)
    if not done:
        return _over(request)
    words = "Mail for your account goes there from now on."
    return told(request, "The address is changed", words, {"To your settings": SETTINGS})


def _over(request: Request) -> Response:
    ways = {"Change the address in your settings": SETTINGS}
    return told(request, "Too late", OVER, ways, status=404)


async def ask_off(request: Request) -> Response:
    """`GET /mail/digests/off`: with a button, since programs follow the links of mails."""
    await _whose(request)
    address = f"{digests.OFF}?{request.url.query}"
    return private_page(request, "digests_off.html", here="", address=address)


async def switch_off(request: Request) -> Response:
    """`POST /mail/digests/off`: from our page, or by a mail program in one click (RFC 8058). The
    address holds a key of its own; nothing else shows whose it is."""
    account_id = await _whose(request)
    async with easel_of(request).database.write() as tx:
        login = await tx.get(Login, account_id)
        if login is not None:
            login.digest = ""
            tx.add(login)
    words = "You can have them again in your settings."
    return told(request, "No more digests", words, {"To your settings": SETTINGS})


async def _whose(request: Request) -> int:
    query = forms.parsed(request.url.query)
    number, key = ids.parse(query.get("account")), query.get("key", "")
    if number is None or not key.isascii():
        raise HTTPException(404, OVER)
    async with easel_of(request).database.read() as session:
        if not await mail_links.is_signed(session, key, number):
            raise HTTPException(404, OVER)
    return number


routes: list[BaseRoute] = [
    Route(RESET, ask, methods=["GET"]),
    Route(RESET, send, methods=["POST"]),
    Route(f"{RESET}/new", ask_new, methods=["GET"]),
    Route(f"{RESET}/new", set_new, methods=["POST"]),
    Route(CHANGE, ask_change, methods=["GET"]),
    Route(CHANGE, change, methods=["POST"]),
    Route(digests.OFF, ask_off, methods=["GET"]),
    Route(digests.OFF, switch_off, methods=["POST"]),
]
