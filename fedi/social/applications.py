"""Apps that act for people: registered, found, and known by their secret (OAuth clients)."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import AccessToken, Application, Grant
from fedi.social import scopes as scope_table
from fedi.social.credentials import token_hash
from fedi.social.errors import Invalid

OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob"  # the code is shown for people to copy

MAX_NAME = 60  # characters, as Mastodon's
MAX_URI = 2000  # characters of one address, as Mastodon's
MAX_URIS = 20
CLIENT_ID_BYTES = SECRET_BYTES = 32
UNUSED_DAYS = 30  # an app that nobody ever signed in with is forgotten: anybody can make one

# What runs or shows something by itself in a browser, and what is no app's.
REFUSED_SCHEMES = frozenset(
    {
        "about", "blob", "chrome", "data", "file", "filesystem", "ftp", "intent", "javascript",
        "jar", "mailto", "resource", "sms", "tel", "urn", "vbscript", "view-source", "ws", "wss",
    }
)  # fmt: skip
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:[!#-;=?-\[\]_a-z~]+", re.IGNORECASE)
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[1-9][0-9]{0,4})?((?:[/?][^#@\\]*)?)")


@dataclass(frozen=True, slots=True)
class Registered:
    """A new app, and what is told of it once."""

    application: Application
    client_secret: str | None


async def register(
    tx: Transaction,
    name: str,
    redirect_uris: Sequence[str],
    *,
    scopes: str = "",
    website: str = "",
    confidential: bool = True,
    renewable: bool = False,
) -> Registered:
    """Make an app known.

    Args:
        name: as people see it when it asks.
        redirect_uris: where it may take people back to; `OUT_OF_BAND` for nowhere.
        scopes: the most that it will ask for, separated by spaces; `read` without any.
        website: its page; none if empty.
        confidential: whether it can keep a secret; one that cannot has to use PKCE.
        renewable: whether its tokens can be renewed without being asked for that.

    Raises:
        Invalid: with the reason.
    """
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid(f"The name of an app has 1 to {MAX_NAME} characters.")
    uris = checked(redirect_uris)
    if website and not is_web_page(website):
        raise Invalid("The website must be a web address.")
    granted = scope_table.parse(scopes)
    await forget_unused(tx)
    secret = secrets.token_urlsafe(SECRET_BYTES) if confidential else None
    application = Application(
        id=tx.new_id(),
        client_id=secrets.token_urlsafe(CLIENT_ID_BYTES),
        secret_hash=None if secret is None else token_hash(secret),
        name=name,
        website=website or None,
        redirect_uris=uris,
        scopes=" ".join(granted),
        renewable=renewable,
        created_at=tx.now,
    )
    tx.add(application)
    await tx.flush()
    return Registered(application, secret)


async def find(session: Session, client_id: str) -> Application | None:
    """The app with this client id."""
    query = select(Application).where(col(Application.client_id) == client_id)
    return (await session.exec(query)).first()


def knows_secret(application: Application, secret: str) -> bool:
    """Whether this is the app's secret. Takes as long for a wrong one."""
    held = application.secret_hash
    return held is not None and hmac.compare_digest(held, token_hash(secret))


def allows(application: Application, uri: str) -> bool:
    """Whether an app may take people back to an address: one of those that it named, to the
    letter. On loopback by its number the port may be another, as programs take any that is free
    (RFC 8252, 7.3)."""
    if uri in application.redirect_uris:
        return True
    anywhere = _without_port(uri)
    return anywhere is not None and any(
        _without_port(named) == anywhere for named in application.redirect_uris
    )


def _without_port(uri: str) -> str | None:
    found = _LOOPBACK.fullmatch(uri)
    return None if found is None else "".join(found.groups())


def checked(redirect_uris: Sequence[str]) -> list[str]:
    """Redirect URIs, each once.

    Raises:
        Invalid: there is none, there are too many, or somewhere nobody should be taken.
    """
    uris = list(dict.fromkeys(redirect_uris))
    if not 1 <= len(uris) <= MAX_URIS:
        raise Invalid(f"An app has 1 to {MAX_URIS} redirect URIs.")
    for uri in uris:
        _check_redirect(uri)
    return uris


def _check_redirect(uri: str) -> None:
    """Refuse what nobody should be taken to.

    Raises:
        Invalid: with the reason.
    """
    if uri == OUT_OF_BAND:
        return
    shown = f"The redirect URI {uri[:100]!r}"
    if len(uri) > MAX_URI or not _ADDRESS.fullmatch(uri):
        raise Invalid(f"{shown} is no address.")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as error:
        raise Invalid(f"{shown} is no address.") from error
    if parts.scheme in REFUSED_SCHEMES:
        raise Invalid(f"{shown} is of a kind that is not allowed.")
    if "#" in uri or "@" in parts.netloc or "\\" in uri:
        raise Invalid(f"{shown} may have no fragment and no user.")
    if parts.scheme in {"http", "https"} and (not parts.hostname or port == 0):
        raise Invalid(f"{shown} needs a host.")


def is_web_page(address: str) -> bool:
    """Whether an address can be linked to as that of a page."""
    if len(address) > MAX_URI or not _ADDRESS.fullmatch(address):
        return False
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


async def forget_unused(tx: Transaction) -> None:
    """Forget apps that nobody allowed anything in all the time since they registered."""
    used = (
        select(Grant.id).where(col(Grant.application_id) == col(Application.id)).exists()
        | select(AccessToken.id)
        .where(col(AccessToken.application_id) == col(Application.id))
        .exists()
    )
    await tx.execute(
        delete(Application)
        .where(col(Application.created_at) < tx.now - timedelta(days=UNUSED_DAYS), ~used)
        .execution_options(synchronize_session=False)
    )
