"""What people allow apps: a code, the tokens that an app gets for it, and their end (RFC 6749).

Authlib's grants call the database synchronously, so its framework is not used: what its errors say
and how it computes PKCE is.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnsupportedResponseTypeError,
)
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from sqlalchemy import delete, update
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import AccessToken, Account, Application, Grant
from fedi.social import applications
from fedi.social import scopes as scope_table
from fedi.social.credentials import TOKEN_BYTES, token_hash
from fedi.social.errors import Invalid

CODE_LIFE = timedelta(minutes=10)  # the most that RFC 6749, 4.1.2 recommends
# A used code is remembered as long as somebody might bring it again.
CODES_KEPT = timedelta(days=1)
MAX_STATE = 4096  # characters; what apps put there has a few dozen

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of a SHA-256
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class Ask:
    """What an app asks somebody for.

    Attributes:
        state: given back to the app as it came; None if it sent none.
        code_challenge: what its token request must answer to; None without PKCE.
    """

    application: Application
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    code_challenge: str | None

    @property
    def out_of_band(self) -> bool:
        return self.redirect_uri == applications.OUT_OF_BAND


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token, and its words, which are told once."""

    row: AccessToken
    token: str
    refresh_token: str | None
    account: Account | None  # whom it acts for; nobody, if the app asked for itself


async def read_ask(session: Session, values: Mapping[str, str]) -> Ask:
    """What the parameters of an authorization request ask for.

    Everything wrong is told to the person alone: who sends people on for a mistake sends them
    wherever anybody who registers an app wants to have them (RFC 9700, 4.11.2).

    Raises:
        OAuth2Error: with what is wrong.
    """
    application = await applications.find(session, values.get("client_id", ""))
    if application is None:
        raise InvalidRequestError("This app is not known here. It should register again.")
    redirect_uri = values.get("redirect_uri")
    if redirect_uri is None and len(application.redirect_uris) == 1:
        [redirect_uri] = application.redirect_uris
    if redirect_uri is None or not applications.allows(application, redirect_uri):
        raise InvalidRequestError("The app wants to take you to an address that it never named.")
    kind = values.get("response_type", "")
    if kind != "code":
        raise UnsupportedResponseTypeError(kind[:50])
    state = values.get("state")
    if state is not None and len(state) > MAX_STATE:
        raise InvalidRequestError("The state is too long.")
    return Ask(
        application,
        redirect_uri,
        tuple(_asked(values.get("scope", ""), application.scopes)),
        state,
        _challenge(values, application),
    )


def _asked(text: str, allowed: str) -> list[str]:
    try:
        wanted = scope_table.parse(text)
    except Invalid as error:
        raise InvalidScopeError() from error
    if not scope_table.within(wanted, allowed.split()):
        raise InvalidScopeError("The app asks for more than it registered for.")
    return wanted


def _challenge(values: Mapping[str, str], application: Application) -> str | None:
    challenge, method = values.get("code_challenge"), values.get("code_challenge_method")
    if challenge is None and method is None:
        if application.secret_hash is None:
            raise InvalidRequestError("An app without a secret must use PKCE.")
        return None
    if method != "S256":  # without a name it would be plain, which protects nobody
        raise InvalidRequestError("The code_challenge_method must be S256.")
    if challenge is None or not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequestError("The code_challenge is not a SHA-256 in base64url.")
    return challenge


async def allow(tx: Transaction, account: Account, ask: Ask) -> str:
    """Somebody agrees; the code by which the app comes for its token."""
    await tx.execute(
        delete(Grant)
        .where(col(Grant.expires_at) < tx.now - CODES_KEPT)
        .execution_options(synchronize_session=False)
    )
    code = secrets.token_urlsafe(TOKEN_BYTES)
    tx.add(
        Grant(
            id=tx.new_id(),
            application_id=ask.application.id,
            account_id=account.id,
            code_hash=token_hash(code),
            redirect_uri=ask.redirect_uri,
            scopes=" ".join(ask.scopes),
            code_challenge=ask.code_challenge,
            created_at=tx.now,
            expires_at=tx.now + CODE_LIFE,
        )
    )
    await tx.flush()
    return code


async def redeem(
    tx: Transaction, application: Application, code: str, redirect_uri: str, verifier: str | None
) -> Issued | None:
    """A token for a code. It works once: who brings it again ends the token that was made of it.

    Returns:
        None if there is no such code, or not any more. A caller must commit even so.

    Raises:
        OAuth2Error: the code is not for this, or PKCE does not hold.
    """
    query = select(Grant).where(col(Grant.code_hash) == token_hash(code)).with_for_update()
    grant = (await tx.exec(query)).first()
    if grant is None or grant.application_id != application.id:
        return None
    if grant.used_at is not None:
        await _end(tx, col(AccessToken.grant_id) == grant.id)
        return None
    if grant.expires_at <= tx.now:
        return None
    if grant.redirect_uri != redirect_uri:
        raise InvalidGrantError("The redirect_uri is another than the code was made for.")
    _check_verifier(grant, verifier)
    account = await tx.get(Account, grant.account_id)
    if account is None or account.deleted_at is not None:
        return None
    grant.used_at = tx.now
    tx.add(grant)
    return await _issue(
        tx, application, grant.scopes, account, grant, renewable=application.renewable
    )


def _check_verifier(grant: Grant, verifier: str | None) -> None:
    if grant.code_challenge is None:
        if verifier is not None:  # somebody took the challenge out on its way (RFC 9700, 4.8)
            raise InvalidGrantError("The code was asked for without a code_challenge.")
        return
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        raise InvalidGrantError("The code_verifier is missing or malformed.")
    answered: str = create_s256_code_challenge(verifier)
    if not hmac.compare_digest(answered, grant.code_challenge):
        raise InvalidGrantError("The code_verifier is not the one of the code_challenge.")


async def for_itself(tx: Transaction, application: Application, scope: str) -> Issued:
    """A token by which an app acts for itself, and for nobody.

    Raises:
        OAuth2Error: it asks for more than it registered for.
    """
    wanted = [one for one in _asked(scope, application.scopes) if one != scope_table.OFFLINE]
    return await _issue(tx, application, " ".join(wanted), None, None)


async def for_joined(
    tx: Transaction, application: Application, account: Account, scopes: str
) -> Issued:
    """A token for the app by which somebody has just joined."""
    return await _issue(tx, application, scopes, account, None)


async def renew(
    tx: Transaction, application: Application, refresh_token: str, scope: str
) -> Issued | None:
    """A new token for an old one, which ends with that. Who brings a refresh token again ends all
    that came of the same leave: one of the two is a thief (RFC 9700, 4.14.2).

    Args:
        scope: no more than before; the same if empty.

    Returns:
        None if there is no such refresh token, or not any more. A caller must commit even so.

    Raises:
        OAuth2Error: it asks for more than before.
    """
    query = (
        select(AccessToken)
        .where(
            col(AccessToken.refresh_hash) == token_hash(refresh_token),
            col(AccessToken.application_id) == application.id,
        )
        .with_for_update()
    )
    old = (await tx.exec(query)).first()
    if old is None:
        return None
    if old.revoked_at is not None:
        if old.grant_id is not None:
            await _end(tx, col(AccessToken.grant_id) == old.grant_id)
        return None
    wanted = " ".join(_asked(scope, old.scopes)) if scope else old.scopes
    account = await tx.get(Account, old.account_id)
    grant = None if old.grant_id is None else await tx.get(Grant, old.grant_id)
    old.revoked_at = tx.now
    tx.add(old)
    return await _issue(tx, application, wanted, account, grant, renewable=True)


async def _issue(
    tx: Transaction,
    application: Application,
    scopes: str,
    account: Account | None,
    grant: Grant | None,
    *,
    renewable: bool = False,
) -> Issued:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    renewable = renewable or scope_table.OFFLINE in scopes.split()
    refresh = secrets.token_urlsafe(TOKEN_BYTES) if renewable else None
    row = AccessToken(
        id=tx.new_id(),
        token_hash=token_hash(token),
        account_id=None if account is None else account.id,
        application_id=application.id,
        grant_id=None if grant is None else grant.id,
        refresh_hash=None if refresh is None else token_hash(refresh),
        name=application.name,
        scopes=scopes,
        created_at=tx.now,
    )
    tx.add(row)
    await tx.flush()
    return Issued(row, token, refresh, account)


async def revoke(tx: Transaction, application: Application, token: str) -> bool:
    """End a token, by its words or those of its refresh token (RFC 7009).

    Returns:
        False if it is somebody else's; a token that is not there is ended already.
    """
    hashed = token_hash(token)
    query = select(AccessToken).where(
        (col(AccessToken.token_hash) == hashed) | (col(AccessToken.refresh_hash) == hashed)
    )
    row = (await tx.exec(query)).first()
    if row is None:
        return True
    if row.application_id != application.id:
        return False
    await _end(tx, col(AccessToken.id) == row.id)
    return True


async def allowed_by(
    session: Session, account: Account
) -> list[tuple[AccessToken, Application | None]]:
    """The tokens that act for somebody, the latest first, each with its app; the command line's
    have none."""
    rows = await session.exec(
        select(AccessToken, Application)
        .outerjoin(Application, col(Application.id) == col(AccessToken.application_id))
        .where(col(AccessToken.account_id) == account.id, col(AccessToken.revoked_at).is_(None))
        .order_by(col(AccessToken.id).desc())
    )
    return [(token, application) for token, application in rows.all()]


async def withdraw(tx: Transaction, account: Account, token_id: int) -> None:
    """Somebody takes back what a token was allowed; of an app, every token that it has of them."""
    token = await tx.get(AccessToken, token_id)
    if token is None or token.account_id != account.id:
        return
    if token.application_id is None:
        await _end(tx, col(AccessToken.id) == token.id)
        return
    await _end(
        tx,
        (col(AccessToken.account_id) == account.id)
        & (col(AccessToken.application_id) == token.application_id),
    )
    await tx.execute(
        update(Grant)
        .where(
            col(Grant.account_id) == account.id,
            col(Grant.application_id) == token.application_id,
            col(Grant.used_at).is_(None),
        )
        .values(expires_at=tx.now)
        .execution_options(synchronize_session=False)
    )


async def _end(tx: Transaction, which: object) -> None:
    await tx.execute(
        update(AccessToken)
        .where(which, col(AccessToken.revoked_at).is_(None))  # type: ignore[arg-type]
        .values(revoked_at=tx.now)
        .execution_options(synchronize_session=False)
    )
