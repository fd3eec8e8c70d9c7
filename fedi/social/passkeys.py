"""Passkeys: signing in by a key in a device, without a password (WebAuthn)."""

from __future__ import annotations

import base64
import json
import re
import secrets
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from sqlalchemy import delete
from sqlmodel import col, select

from fedi.database import Session, Transaction
from fedi.database.tables import Account, Challenge, Passkey
from fedi.settings import InstanceSettings
from fedi.social import letters
from fedi.social.credentials import token_hash
from fedi.social.errors import Invalid

CHALLENGE_BYTES = 32
CHALLENGE_LIFE = timedelta(minutes=5)  # twice what browsers give people
TIMEOUT_MS = 150_000
MAX_PASSKEYS = 20
MAX_NAME = 60  # characters
MAX_ANSWER = 20_000  # characters of what a device says; the largest known have some 8,000

_CREDENTIAL_ID = re.compile(r"[A-Za-z0-9_-]{1,1400}=*")  # base64url of at most 1,023 bytes


async def offer(tx: Transaction, account: Account) -> str:
    """What a browser needs to make a passkey: `PublicKeyCredentialCreationOptions` as JSON.

    Raises:
        Invalid: there are too many.
    """
    import webauthn
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    known = await of_account(tx, account)
    if len(known) >= MAX_PASSKEYS:
        raise Invalid(f"An account has at most {MAX_PASSKEYS} passkeys.")
    options = webauthn.generate_registration_options(
        rp_id=_host(tx.instance),
        rp_name=tx.instance.name,
        user_id=account.id.to_bytes(8, "big"),
        user_name=account.username,
        user_display_name=account.display_name or account.username,
        challenge=await _challenge(tx, account),
        timeout=TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=_bytes(key.credential_id)) for key in known
        ],
    )
    return webauthn.options_to_json(options)


async def add(tx: Transaction, account: Account, answer: str, name: str) -> Passkey:
    """Keep a passkey that a device has made.

    Args:
        answer: what `navigator.credentials.create` gave, as JSON.
        name: as its owner calls it.

    Raises:
        Invalid: it does not answer what was asked, or is here already.
    """
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    asked = await _take(tx, answer, account)
    try:
        made = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=asked,
            expected_rp_id=_host(tx.instance),
            expected_origin=tx.instance.url,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise Invalid("That passkey cannot be used here.") from error
    credential_id = _text(made.credential_id)
    there = select(Passkey.id).where(col(Passkey.credential_id) == credential_id)
    if (await tx.exec(there)).first() is not None:
        raise Invalid("That passkey is here already.")
    passkey = Passkey(
        id=tx.new_id(),
        account_id=account.id,
        credential_id=credential_id,
        public_key=_text(made.credential_public_key),
        sign_count=made.sign_count,
        name=" ".join(name.split())[:MAX_NAME] or "Passkey",
        created_at=tx.now,
    )
    tx.add(passkey)
    await tx.flush()
    await letters.write(tx, "passkey_added", account_id=account.id, name=passkey.name)
    return passkey


async def ask(tx: Transaction) -> str:
    """What a browser needs to sign somebody in: `PublicKeyCredentialRequestOptions` as JSON. Whose
    passkey it will be is told by the passkey."""
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    options = webauthn.generate_authentication_options(
        rp_id=_host(tx.instance),
        challenge=await _challenge(tx, None),
        timeout=TIMEOUT_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


async def accept(tx: Transaction, answer: str) -> Account | None:
    """Whose passkey has signed what it was asked to; nobody's, if it has not.

    Args:
        answer: what `navigator.credentials.get` gave, as JSON.
    """
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        asked = await _take(tx, answer, None)
        credential_id = json.loads(answer)["id"]
    except (Invalid, KeyError):
        return None
    if not isinstance(credential_id, str) or not _CREDENTIAL_ID.fullmatch(credential_id):
        return None
    query = select(Passkey).where(col(Passkey.credential_id) == credential_id.rstrip("="))
    passkey = (await tx.exec(query.with_for_update())).first()
    if passkey is None:
        return None
    try:
        seen = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=asked,
            expected_rp_id=_host(tx.instance),
            expected_origin=tx.instance.url,
            credential_public_key=_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None
    passkey.sign_count, passkey.last_used_at = seen.new_sign_count, tx.now
    tx.add(passkey)
    return await tx.get(Account, passkey.account_id)


async def of_account(session: Session, account: Account) -> list[Passkey]:
    """The passkeys of an account, the oldest first."""
    rows = await session.exec(
        select(Passkey).where(col(Passkey.account_id) == account.id).order_by(col(Passkey.id))
    )
    return list(rows.all())


async def remove(tx: Transaction, account: Account, passkey_id: int) -> None:
    """Forget a passkey of an account."""
    await tx.execute(
        delete(Passkey).where(col(Passkey.id) == passkey_id, col(Passkey.account_id) == account.id)
    )


async def remove_all(tx: Transaction, account: Account) -> None:
    """Forget all passkeys of an account."""
    await tx.execute(delete(Passkey).where(col(Passkey.account_id) == account.id))


async def _challenge(tx: Transaction, account: Account | None) -> bytes:
    await tx.execute(delete(Challenge).where(col(Challenge.expires_at) < tx.now))
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    tx.add(
        Challenge(
            challenge_hash=token_hash(_text(challenge)),
            account_id=None if account is None else account.id,
            expires_at=tx.now + CHALLENGE_LIFE,
        )
    )
    await tx.flush()
    return challenge


async def _take(tx: Transaction, answer: str, account: Account | None) -> bytes:
    """The challenge that an answer is to, if we made it for this and nobody has answered it yet.

    Raises:
        Invalid: it is none of ours.
    """
    refusal = Invalid("That took too long. Try again.")
    try:
        if len(answer) > MAX_ANSWER:
            raise refusal
        told: Any = json.loads(answer)
        client = json.loads(_bytes(told["response"]["clientDataJSON"]))
        challenge = cast(str, client["challenge"]).rstrip("=")
        _bytes(challenge)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise refusal from error
    whose = col(Challenge.account_id)
    taken = await tx.execute(
        delete(Challenge)
        .where(
            col(Challenge.challenge_hash) == token_hash(challenge),
            col(Challenge.expires_at) >= tx.now,
            whose.is_(None) if account is None else whose == account.id,
        )
        .returning(col(Challenge.challenge_hash))
    )
    if taken.scalar() is None:
        raise refusal
    return _bytes(challenge)


def _host(instance: InstanceSettings) -> str:
    """The name that passkeys are bound to."""
    return urlsplit(instance.url).hostname or ""


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
