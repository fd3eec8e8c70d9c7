"""Integrity proofs (FEP-8b32, eddsa-jcs-2022): a document that says by itself who made it.

With one an activity may come by way of others: forwarded to those who follow a thread.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from activitypub import multibase
from activitypub.context import CONTEXT
from activitypub.errors import Malformed
from activitypub.json import GRAPH_KEYWORDS
from activitypub.objects import values
from activitypub.origin import same_origin
from activitypub.signatures.keys import Key
from activitypub.signatures.verdict import FindKey, Reason, Refusal, Refused, Verified
from activitypub.signatures.verify import SKEW, known_key

TYPE = "DataIntegrityProof"
SUITE = "eddsa-jcs-2022"
PURPOSE = "assertionMethod"

PROVEN_LIMIT = 128 * 1024
"""Bytes of a document whose proof is looked at: bringing 1 MiB into its canonical form takes
half a second, and real activities have below 50 kB."""

LIFETIME = timedelta(days=14)
"""How old a proof may be. It has no request that it is good for only once, so this must be
shorter than activities are remembered, and longer than a delivery is retried."""

VALUE_LIMIT = 128
"""Characters of a proofValue; 64 bytes have 89."""

SIGNATURE_BYTES = 64


def sign(
    document: Mapping[str, Any], key_id: str, key: Ed25519PrivateKey, now: datetime
) -> dict[str, Any]:
    """The document, its @context included, with a proof by this key at its end.

    `key_id` is the id of the Multikey under the actor's `assertionMethod`.
    """
    proof = {
        "@context": document["@context"],
        "type": TYPE,
        "cryptosuite": SUITE,
        "verificationMethod": key_id,
        "proofPurpose": PURPOSE,
        # to the second, without milliseconds: Fedify 2.3 hashes what it reparsed
        "created": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    signature = key.sign(_hash(proof) + _hash(document))
    return {**document, "proof": {**proof, "proofValue": multibase.encode(signature)}}


async def verify(
    document: Mapping[str, Any], find_key: FindKey, now: datetime, *, size: int
) -> Verified | Refused:
    """Whether this activity was made by the actor that it names, whoever sent it.

    `document` was decoded by `activitypub.json`, from `size` bytes. The key must be the actor's
    own, an Ed25519 key on the actor's origin; a proof that the known key did not make is tried
    once more with the key fetched anew. Everything that needs no key is judged before.

    Never raises for anything in the document.
    """
    try:
        if size > PROVEN_LIMIT:
            raise Refusal(Reason.MALFORMED, "The document is too large to be proven.", 413)
        proof = _proof(document)
        actor = values.web_uri(document.get("actor"))
        key_id = values.web_uri(proof.get("verificationMethod"))
        if actor is None or key_id is None:
            raise Refusal(Reason.KEY_ID, "The proof names no key that has an address.")
        if not same_origin(key_id, actor):
            raise Refusal(Reason.NOT_OWNER, "The proof's key is on another host than the actor.")
        _check_window(proof, now)
        signature = _signature(proof)
        candidates = _candidates(document, proof)
        key = await known_key(find_key, key_id)
        if not _made_by(key, actor, signature, candidates):
            fresh = await known_key(find_key, key_id, fresh=True)
            if fresh is key or not _made_by(fresh, actor, signature, candidates):
                raise Refusal(Reason.MISMATCH, "The proof does not match the document.")
            key = fresh
    except Refusal as refusal:
        return refusal.refused
    except Malformed as malformed:
        return Refused(reason=Reason.MALFORMED, detail=malformed.reason, status=400)
    return Verified(key_id=key_id, owner=key.owner, signature=signature)


def _proof(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one proof of a document, of the only kind that we read."""
    if not GRAPH_KEYWORDS.isdisjoint(document):
        raise Malformed("Graph keywords of JSON-LD are not supported.")
    found = document.get("proof")
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if found is None:
        raise Refusal(Reason.UNSIGNED, "The document has no proof.")
    if not isinstance(found, Mapping):
        raise Malformed("The document does not have exactly one proof.")
    if found.get("type") != TYPE or found.get("cryptosuite") != SUITE:
        raise Refusal(Reason.UNSUPPORTED, f"Only {SUITE} proofs are supported.")
    if found.get("proofPurpose") != PURPOSE:
        raise Refusal(Reason.UNSUPPORTED, "The proof was made for another purpose.")
    if "@context" in found and found["@context"] != document.get("@context"):
        raise Refusal(Reason.CONTEXT, "The proof was made under another @context.")
    return found


def _check_window(proof: Mapping[str, Any], now: datetime) -> None:
    created = values.moment(proof.get("created"))
    if created is None:
        raise Malformed("The proof does not say when it was created.")
    expires = values.moment(proof.get("expires")) if "expires" in proof else created + LIFETIME
    if expires is None:
        raise Malformed("The proof expires at no moment.")
    if created > now + SKEW or min(expires, created + LIFETIME) + SKEW < now:
        raise Refusal(Reason.EXPIRED, "The proof is too old or from the future.")


def _signature(proof: Mapping[str, Any]) -> bytes:
    value = proof.get("proofValue")
    if not isinstance(value, str) or len(value) > VALUE_LIMIT:
        raise Malformed("The proof has no proofValue.")
    signature = multibase.decode(value)
    if len(signature) != SIGNATURE_BYTES:
        raise Malformed("The proofValue is no Ed25519 signature.")
    return signature


def _candidates(document: Mapping[str, Any], proof: Mapping[str, Any]) -> list[bytes]:
    """What may have been signed. A Linked Data signature beside the proof came after it.

    A proof without @context was hashed as it stands (Mitra's first proofs), or with that of the
    document, which Fedify 2.3 leaves out again when it sends it.
    """
    bare = {name: value for name, value in document.items() if name not in ("proof", "signature")}
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    hashed = _hash(bare)
    if "@context" in options or "@context" not in document:
        return [_hash(options) + hashed]
    with_context = {**options, "@context": document["@context"]}
    return [_hash(with_context) + hashed, _hash(options) + hashed]


def _made_by(key: Key, actor: str, signature: bytes, candidates: list[bytes]) -> bool:
    if key.owner != actor:
        raise Refusal(Reason.NOT_OWNER, "The proof's key is not the actor's.")
    if not isinstance(key.public, Ed25519PublicKey):
        raise Refusal(Reason.ALGORITHM, "The proof's key is no Ed25519 key.")
    for candidate in candidates:
        try:
            key.public.verify(signature, candidate)
        except InvalidSignature:
            continue
        return True
    return False


def _hash(document: Mapping[str, Any]) -> bytes:
    """SHA-256 of the canonical form (JCS, RFC 8785)."""
    rest = {name: value for name, value in document.items() if name != "@context"}
    try:
        # Our own @context is most of a small activity, and the same in each.
        if document.get("@context") is CONTEXT and rest and min(rest) > "@context":
            canonical = b'{"@context":' + _own_context() + b"," + rfc8785.dumps(rest)[1:]
        else:
            canonical = rfc8785.dumps(dict(document))
    except rfc8785.CanonicalizationError as error:
        raise Malformed("The document has no canonical form.") from error
    return hashlib.sha256(canonical).digest()


@cache
def _own_context() -> bytes:
    return rfc8785.dumps(CONTEXT)
