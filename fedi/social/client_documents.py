"""Apps that need not register: their client id is the address of a document that describes them.

There are two kinds of document, and one address may hold either: the metadata of
draft-ietf-oauth-client-id-metadata-document-01, and an ActivityPub object with a `redirectURI`
(FEP-d8c2). Such an app has no secret, and must use PKCE. What a document says is judged here;
`federation.client_ids` fetches it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from activitypub.network import is_localhost
from fedi.database import Transaction
from fedi.database.insertion import insert_new
from fedi.database.tables import Application
from fedi.social import applications, scopes
from fedi.social.errors import Invalid

MAX_CLIENT_ID = 1000  # characters; an index holds them
LANGUAGES = ("en", "und", "unk")  # of which the name is taken, where there are several
LOOPBACK = frozenset({"127.0.0.1", "::1"})
SECRET_METHODS = frozenset({"client_secret_basic", "client_secret_post", "client_secret_jwt"})

_HOST = r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_CLIENT_ID = re.compile(rf"https?://{_HOST}/[!$-;=?A-Z\[\]_a-z~]*")


@dataclass(frozen=True, slots=True)
class Description:
    """What the document of an app says.

    Attributes:
        website: the app's page; None if it names none that can be linked to.
        scopes: the most that it may ask for.
        renewable: whether its tokens can be renewed.
    """

    client_id: str
    name: str
    redirect_uris: tuple[str, ...]
    website: str | None
    scopes: tuple[str, ...]
    renewable: bool


def is_address(client_id: str) -> bool:
    """Whether a client id is an address rather than one that an app got by registering."""
    return client_id.startswith(("https://", "http://"))


def check_address(client_id: str) -> None:
    """Refuse an address that cannot be a client id (section 3 of the draft): it has a path without
    dots to go up by, and no user or fragment.

    Raises:
        Invalid: with the reason.
    """
    if len(client_id) > MAX_CLIENT_ID or not _CLIENT_ID.fullmatch(client_id):
        raise Invalid("The client_id is no address at which an app could be described.")
    try:
        path = urlsplit(client_id).path
    except ValueError as error:  # what is in brackets is no address
        raise Invalid("The client_id is no address at which an app could be described.") from error
    if {".", ".."} & set(path.lower().replace("%2e", ".").split("/")):
        raise Invalid("The client_id may not have dots for parts of its path.")


def read(client_id: str, document: Mapping[str, Any]) -> Description:
    """What the document at a client id says.

    Raises:
        Invalid: it is not of that app, or does not say where people are taken back to.
    """
    if "client_id" in document or "redirect_uris" in document:
        return _metadata(client_id, document)
    return _object(client_id, document)


def _metadata(client_id: str, document: Mapping[str, Any]) -> Description:
    if document.get("client_id") != client_id:
        raise Invalid("The app's document names another client_id than its own address.")
    method = document.get("token_endpoint_auth_method", "none")
    if method in SECRET_METHODS or "client_secret" in document:
        raise Invalid("An app that is described by a document of the web can keep no secret.")
    if method != "none":
        raise Invalid("The app wants to prove itself in a way that is not known here.")
    grants = document.get("grant_types", ["authorization_code"])
    if not isinstance(grants, list) or "authorization_code" not in grants:
        raise Invalid("The app does not want an authorization code, and there is no other way.")
    scope = document.get("scope")
    asked = scopes.known(scope) if isinstance(scope, str) else []
    return Description(
        client_id=client_id,
        name=_name(client_id, document.get("client_name")),
        redirect_uris=_redirects(document.get("redirect_uris")),
        website=_website(document.get("client_uri")),
        scopes=tuple(asked or scopes.CLIENTS),
        renewable="refresh_token" in grants,
    )


def _object(client_id: str, document: Mapping[str, Any]) -> Description:
    if document.get("id") != client_id:
        raise Invalid("There is no description of an app at the client_id.")
    return Description(
        client_id=client_id,
        name=_name(client_id, document.get("name"), document.get("nameMap")),
        redirect_uris=_redirects(document.get("redirectURI")),
        website=_website(document.get("url")),
        scopes=scopes.CLIENTS,
        renewable=True,  # an object has no word for it
    )


def _redirects(named: object) -> tuple[str, ...]:
    """Where people may be taken back to. Codes go over plain HTTP to the own device alone.

    Raises:
        Invalid: nowhere, or somewhere nobody should be taken.
    """
    uris = [named] if isinstance(named, str) else named
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        raise Invalid("The app's document does not say where to go back to.")
    for uri in applications.checked(uris):
        parts = urlsplit(uri)
        if uri == applications.OUT_OF_BAND or (parts.scheme == "http" and not is_own(uri)):
            raise Invalid(f"The redirect URI {uri[:100]!r} must be https, or on the own device.")
    return tuple(dict.fromkeys(uris))


def is_own(redirect_uri: str) -> bool:
    """Whether an address is on the device of who goes there: any program there can listen."""
    host = urlsplit(redirect_uri).hostname or ""
    return host in LOOPBACK or is_localhost(host)


def _name(client_id: str, *named: object) -> str:
    """What people are shown, in so far as it can be; else the host of the document."""
    for entry in named:
        if isinstance(entry, Mapping):
            entry = next((entry[tag] for tag in (*LANGUAGES, *entry) if tag in entry), None)
        if isinstance(entry, str):
            words = " ".join(entry[:1000].split())[: applications.MAX_NAME].strip()
            if words and words.isprintable():
                return words
    return host(client_id)[: applications.MAX_NAME]


def host(client_id: str) -> str:
    """Who vouches for a description: the host that serves it."""
    return urlsplit(client_id).netloc


def _website(address: object) -> str | None:
    return address if isinstance(address, str) and applications.is_web_page(address) else None


async def keep(tx: Transaction, description: Description) -> None:
    """Write down what an app's document says now."""
    await applications.forget_unused(tx)
    said = {
        "name": description.name,
        "website": description.website,
        "redirect_uris": list(description.redirect_uris),
        "scopes": " ".join(description.scopes),
        "renewable": description.renewable,
        "described_at": tx.now,
    }
    row = {"id": tx.new_id(), "client_id": description.client_id, "secret_hash": None, **said}
    if await insert_new(tx, Application, {**row, "created_at": tx.now}):
        return
    application = await applications.find(tx, description.client_id)
    assert application is not None
    for name, value in said.items():
        setattr(application, name, value)
    tx.add(application)
