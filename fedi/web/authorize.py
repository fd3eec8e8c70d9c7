"""`/oauth/authorize`: the page on which people let an app act for them (RFC 6749, 4.1.1)."""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fedi.federation import client_ids
from fedi.runtime import easel_of
from fedi.social import attempts, client_documents, grants, scopes
from fedi.social.errors import Invalid
from fedi.social.grants import Ask
from fedi.social.sessions import SignedIn
from fedi.studio.remote_files import gallery
from fedi.web import forms, visitors
from fedi.web.render import private_page
from fedi.web.views import people

# What is carried from the request through the form; everything else is left out.
CARRIED = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge",
    "code_challenge_method",
)  # fmt: skip
FORCE = "force_login"

# Each may make us ask another server.
DESCRIPTIONS = attempts.Limit("descriptions of apps that an account asks for", 60, 600)

_HOST = re.compile(r"[a-z0-9.-]+(:[0-9]{1,5})?", re.IGNORECASE)


async def ask(request: Request) -> Response:
    """`GET`: what the app wants, for who is signed in to agree to.

    Raises:
        HTTPException: 400 for a request that is not right. It is told here, and nobody is sent on.
    """
    values = forms.parsed(request.url.query, {*CARRIED, FORCE})
    forced = values.get(FORCE, "").lower() in {"true", "1"}
    visitor = await visitors.of(request)
    if visitor is None or forced:
        if not client_documents.is_address(values.get("client_id", "")):
            await _read(request, values)  # of an address nobody asks for nobody
        kept = urlencode({name: values[name] for name in CARRIED if name in values})
        return visitors.to_sign_in(request, path=f"/oauth/authorize?{kept}", again=forced)
    asked = await _known(request, visitor, values)
    easel = easel_of(request)
    async with easel.database.read() as session:
        hung = await gallery.of(easel, session, [])
    carried = {name: values[name] for name in CARRIED if name in values}
    return private_page(
        request,
        "authorize.html",
        form_to=form_target(asked),
        visitor=visitor,
        maker=people.maker(visitor.account, hung),
        app=asked.application,
        site=_site(asked.application.website),
        described=_described(asked),
        here=client_documents.is_own(asked.redirect_uri),
        goal=_goal(asked),
        wants=scopes.in_words(asked.scopes),
        form_key=forms.key(request),
        carried=carried,
        other=f"/oauth/authorize?{urlencode({**carried, FORCE: 'true'})}",
    )


@visitors.signed_in
async def answer(request: Request, visitor: SignedIn) -> Response:
    """`POST`: somebody agrees, or does not.

    Raises:
        HTTPException: 400 for a request that is not right, 403 for a form that is not ours.
    """
    fields = await forms.read(request)
    asked = await _known(request, visitor, fields)
    agreed = fields.get("decision") == "allow"
    told: dict[str, str] = {}
    if agreed:
        async with easel_of(request).database.write() as tx:
            told["code"] = await grants.allow(tx, visitor.account, asked)
    else:
        told["error"] = "access_denied"
        told["error_description"] = "The owner of the account did not agree."
    if asked.out_of_band:
        return private_page(
            request,
            "authorized.html",
            visitor=visitor,
            app=asked.application,
            code=told.get("code"),
        )
    if asked.state is not None:
        told["state"] = asked.state
    return _send_on(asked.redirect_uri, told)


def _send_on(address: str, told: dict[str, str]) -> Response:
    """To a registered address, as it was registered: what parses and joins it again would make
    `app:?code=` of `app://?code=`."""
    joined = address + ("&" if "?" in address else "?") + urlencode(told)
    return Response(status_code=303, headers={"Location": joined, "Cache-Control": "no-store"})


def form_target(asked: Ask) -> str:
    """The source of the app's address, as a policy names it: of the web a host, else the scheme."""
    if asked.out_of_band:
        return ""
    parts = urlsplit(asked.redirect_uri)
    if parts.scheme in {"http", "https"} and _HOST.fullmatch(parts.netloc):
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:"  # a policy can name no IPv6 address


async def _known(request: Request, visitor: SignedIn, values: dict[str, str]) -> Ask:
    """What an app asks for, that may be described elsewhere.

    Raises:
        HTTPException: 400 for a request, or a description, that is not right.
    """
    client_id = values.get("client_id", "")
    if client_documents.is_address(client_id):
        easel = easel_of(request)
        attempts.by_account(easel, DESCRIPTIONS, visitor.account)
        try:
            await client_ids.ready(easel, client_id)
        except Invalid as error:
            raise HTTPException(400, str(error)) from error
    return await _read(request, values)


async def _read(request: Request, values: dict[str, str]) -> Ask:
    try:
        async with easel_of(request).database.read() as session:
            return await grants.read_ask(session, {k: v for k, v in values.items() if v})
    except OAuth2Error as error:
        reason = error.get_error_description() or "The app asked for something that is not right."
        raise HTTPException(400, str(reason)) from error


def _site(website: str | None) -> str:
    return urlsplit(website).hostname or "" if website else ""


def _described(asked: Ask) -> str:
    """The host that vouches for what the app says of itself, if there is one."""
    application = asked.application
    return client_documents.host(application.client_id) if application.described_at else ""


def _goal(asked: Ask) -> str:
    """Where people will be taken, as much of it as says who gets the code."""
    if asked.out_of_band:
        return ""
    parts = urlsplit(asked.redirect_uri)
    return parts.netloc if parts.scheme in {"http", "https"} else f"{parts.scheme}:"


routes: list[BaseRoute] = [
    Route("/oauth/authorize", ask, methods=["GET"]),
    Route("/oauth/authorize", answer, methods=["POST"]),
]
