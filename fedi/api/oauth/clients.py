"""Which app asks, by its secret: in the Authorization header or among the parameters."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from starlette.requests import Request

from fedi.database import Session
from fedi.database.tables import Application
from fedi.social import applications

NAMES = ("client_id", "client_secret")  # of the parameters
MAX_HEADER = 2048  # characters


async def authenticate(
    session: Session, request: Request, values: Mapping[str, str]
) -> Application:
    """The app that asks. A public one has no secret, and proves nothing by its id; what one that is
    known by its address sends as a secret is passed over (FEP-d8c2).

    Raises:
        OAuth2Error: it is none that is known, or its secret is wrong.
    """
    basic = _basic(request)
    by_header = basic is not None
    if basic is not None and "client_secret" in values:
        raise InvalidRequestError("Send the client_secret in one place.")
    client_id, secret = basic or (values.get("client_id", ""), values.get("client_secret"))
    if by_header and values.get("client_id", client_id) != client_id:
        raise InvalidRequestError("There are two different client_ids.")
    application = await applications.find(session, client_id)
    known = application is not None and (
        (application.secret_hash is None and (not secret or application.described_at is not None))
        or (secret is not None and applications.knows_secret(application, secret))
    )
    if application is None or not known:
        raise InvalidClientError(
            "The app is not known here, or its secret is wrong.", status_code=401
        )
    return application


def _basic(request: Request) -> tuple[str, str] | None:
    """Id and secret of the Authorization header (RFC 6749, 2.3.1), if there is such a header."""
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, encoded = given[0].partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        if len(given) > 1 or len(encoded) > MAX_HEADER:
            raise ValueError
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except (ValueError, binascii.Error) as error:
        raise InvalidClientError("The Authorization header cannot be read.", status_code=401) from (
            error
        )
    client_id, _, secret = pair.partition(":")
    if "\0" in pair:
        raise InvalidClientError("The Authorization header cannot be read.", status_code=401)
    return unquote_plus(client_id), unquote_plus(secret)
