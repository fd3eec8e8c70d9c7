"""`/settings/security`: how one signs in, where one is, and which apps act for one."""

from __future__ import annotations

import io

import segno
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from fedi import ids
from fedi.database.tables import Login
from fedi.mail import digests
from fedi.runtime import easel_of
from fedi.social import (
    attempts,
    credentials,
    email_changes,
    grants,
    passkeys,
    second_factor,
    sessions,
)
from fedi.social.errors import Invalid, SocialError
from fedi.social.sessions import SignedIn
from fedi.web import cookies, forms, visitors
from fedi.web.joining import told
from fedi.web.render import private_page
from fedi.web.views import access

HERE = "/settings/security"


@visitors.signed_in
async def show(request: Request, visitor: SignedIn) -> Response:
    """`GET /settings/security`."""
    return await _page(request, visitor)


async def _page(
    request: Request, visitor: SignedIn, *, error: SocialError | None = None
) -> Response:
    account = visitor.account
    async with easel_of(request).database.read() as session:
        browsers = await sessions.of_account(session, account)
        allowed = await grants.allowed_by(session, account)
        keys = await passkeys.of_account(session, account)
        codes = await second_factor.is_on(session, account)
        left = await second_factor.recovery_codes_left(session, account)
    return private_page(
        request,
        "security.html",
        status=error.status if error is not None else 200,
        script=True,
        here="settings",
        visitor=visitor,
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
        fresh=visitors.is_fresh(request, visitor),
        has_password=visitor.login.password_hash is not None,
        browsers=[access.browser(row, visitor.session.id) for row in browsers],
        apps=access.apps(allowed),
        passkeys=keys,
        codes=codes,
        recovery_left=left,
        mails=visitor.login.email is not None,
        email=visitor.login.email,
        digest=visitor.login.digest,
    )


@visitors.freshly_signed_in
async def change_password(request: Request, visitor: SignedIn) -> Response:
    """`POST …/password`: every browser and every app is signed out, but this one."""
    fields = await forms.read(request)
    easel, account = easel_of(request), visitor.account
    new = fields.get("new", "")
    try:
        if visitor.login.password_hash is not None:
            who = f"change {account.id}"
            limits = attempts.of(easel)
            limits.take(attempts.PASSWORDS_OF_ACCOUNT, who, easel.clock.now())
            if not await credentials.matches(visitor.login, fields.get("old", "")):
                raise Invalid(email_changes.WRONG_PASSWORD)
            limits.forget(attempts.PASSWORDS_OF_ACCOUNT, who)
        hashed = await credentials.hash_password(new)
        async with easel.database.write() as tx:
            await credentials.keep_password(tx, account, hashed)
            token = await sessions.open_session(tx, account, _user_agent(request))
    except SocialError as error:
        return await _page(request, visitor, error=error)
    response = _back()
    cookies.set_session(request, response, token)
    return response


@visitors.freshly_signed_in
async def change_email(request: Request, visitor: SignedIn) -> Response:
    """`POST …/email`: a link is sent to the new address."""
    fields = await forms.read(request)
    password = fields.get("password", "") if visitor.login.password_hash is not None else None
    try:
        await email_changes.ask(
            easel_of(request), visitor.account, fields.get("email", ""), password
        )
    except SocialError as error:
        return await _page(request, visitor, error=error)
    words = "A link is on its way to the new address. Follow it, and the address is yours."
    return told(request, "Look into your mail", words, {"Back to the settings": HERE})


@visitors.freshly_signed_in
async def offer_codes(request: Request, visitor: SignedIn) -> Response:
    """`GET …/codes`: a secret for an authenticator."""
    return await _offer(request, visitor)


async def _offer(request: Request, visitor: SignedIn, error: SocialError | None = None) -> Response:
    async with easel_of(request).database.write() as tx:
        if await second_factor.is_on(tx, visitor.account):
            return _back()
        offer = await second_factor.offer(tx, visitor.account)
    return private_page(
        request,
        "one_time_codes.html",
        status=error.status if error is not None else 200,
        here="settings",
        visitor=visitor,
        form_key=forms.key(request),
        error=str(error) if error is not None else "",
        picture=_drawn(offer.address),
        address=offer.address,
        secret=" ".join(offer.secret[at : at + 4] for at in range(0, len(offer.secret), 4)),
    )


def _drawn(address: str) -> str:
    """A QR code, as an address of its own."""
    file = io.BytesIO()
    segno.make(address, error="m").save(file, kind="png", scale=5, border=3)
    return access.data_address(file.getvalue(), "image/png")


@visitors.freshly_signed_in
async def confirm_codes(request: Request, visitor: SignedIn) -> Response:
    """`POST …/codes`: the first code of an authenticator."""
    fields = await forms.read(request)
    easel, who = easel_of(request), str(visitor.account.id)
    try:
        attempts.of(easel).take(attempts.CODES_OF_ACCOUNT, who, easel.clock.now())
        async with easel.database.write() as tx:
            codes = await second_factor.confirm(tx, visitor.account, fields.get("code", ""))
    except SocialError as error:
        return await _offer(request, visitor, error)
    return _recovery_page(request, visitor, codes)


@visitors.freshly_signed_in
async def renew_recovery(request: Request, visitor: SignedIn) -> Response:
    """`POST …/codes/recovery`: new recovery codes."""
    await forms.read(request)
    async with easel_of(request).database.write() as tx:
        codes = await second_factor.renew_recovery(tx, visitor.account)
    return _recovery_page(request, visitor, codes)


def _recovery_page(request: Request, visitor: SignedIn, codes: list[str]) -> Response:
    return private_page(
        request, "recovery_codes.html", here="settings", visitor=visitor, codes=codes
    )


@visitors.freshly_signed_in
async def switch_codes_off(request: Request, visitor: SignedIn) -> Response:
    """`POST …/codes/off`."""
    await forms.read(request)
    async with easel_of(request).database.write() as tx:
        await second_factor.switch_off(tx, visitor.account)
    return _back()


@visitors.freshly_signed_in
async def offer_passkey(request: Request, visitor: SignedIn) -> Response:
    """`POST …/passkeys/ask`: what a browser needs to make a passkey, as JSON."""
    await forms.read(request)
    async with easel_of(request).database.write() as tx:
        options = await passkeys.offer(tx, visitor.account)
    return Response(options, media_type="application/json", headers={"Cache-Control": "no-store"})


@visitors.freshly_signed_in
async def add_passkey(request: Request, visitor: SignedIn) -> Response:
    """`POST …/passkeys`: what the device made."""
    fields = await forms.read(request)
    try:
        async with easel_of(request).database.write() as tx:
            await passkeys.add(
                tx, visitor.account, fields.get("answer", ""), fields.get("name", "")
            )
    except SocialError as error:
        return await _page(request, visitor, error=error)
    return _back()


@visitors.freshly_signed_in
async def remove_passkey(request: Request, visitor: SignedIn) -> Response:
    """`POST …/passkeys/remove`."""
    number = _id(await forms.read(request))
    async with easel_of(request).database.write() as tx:
        await passkeys.remove(tx, visitor.account, number)
    return _back()


@visitors.signed_in
async def choose_digest(request: Request, visitor: SignedIn) -> Response:
    """`POST …/digest`: how often to be told by mail what happened."""
    chosen = (await forms.read(request)).get("digest", "")
    if chosen not in {"", *digests.EVERY}:
        raise HTTPException(400, "There is no such choice.")
    async with easel_of(request).database.write() as tx:
        login = await tx.get_one(Login, visitor.account.id)
        # The first one tells of what happens from now on.
        login.digest, login.digested_at = chosen, tx.now
        tx.add(login)
    return _back()


@visitors.signed_in
async def close_browser(request: Request, visitor: SignedIn) -> Response:
    """`POST …/browsers/close`: one of them, or with `others` all but this one."""
    fields = await forms.read(request)
    async with easel_of(request).database.write() as tx:
        if "others" in fields:
            await sessions.close_others(tx, visitor.session)
        else:
            await sessions.close_one(tx, visitor.account, _id(fields))
    return _back()


@visitors.signed_in
async def withdraw_app(request: Request, visitor: SignedIn) -> Response:
    """`POST …/apps/withdraw`: an app may do nothing any more."""
    number = _id(await forms.read(request))
    async with easel_of(request).database.write() as tx:
        await grants.withdraw(tx, visitor.account, number)
    return _back()


def _id(fields: dict[str, str]) -> int:
    number = ids.parse(fields.get("id"))
    if number is None:
        raise HTTPException(400, "The id must be a number.")
    return number


def _back() -> Response:
    return RedirectResponse(HERE, 303, {"Cache-Control": "no-store"})


def _user_agent(request: Request) -> str:
    return request.headers.get("user-agent", "")


routes: list[BaseRoute] = [
    Route(HERE, show, methods=["GET"]),
    Route(f"{HERE}/password", change_password, methods=["POST"]),
    Route(f"{HERE}/email", change_email, methods=["POST"]),
    Route(f"{HERE}/codes", offer_codes, methods=["GET"]),
    Route(f"{HERE}/codes", confirm_codes, methods=["POST"]),
    Route(f"{HERE}/codes/recovery", renew_recovery, methods=["POST"]),
    Route(f"{HERE}/codes/off", switch_codes_off, methods=["POST"]),
    Route(f"{HERE}/passkeys/ask", offer_passkey, methods=["POST"]),
    Route(f"{HERE}/passkeys", add_passkey, methods=["POST"]),
    Route(f"{HERE}/passkeys/remove", remove_passkey, methods=["POST"]),
    Route(f"{HERE}/digest", choose_digest, methods=["POST"]),
    Route(f"{HERE}/browsers/close", close_browser, methods=["POST"]),
    Route(f"{HERE}/apps/withdraw", withdraw_app, methods=["POST"]),
]
