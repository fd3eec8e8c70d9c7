"""Integrity proofs (FEP-8b32): the vectors of the FEP, and all that a proof can lie about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from activitypub import multibase, proofs
from activitypub.context import with_context
from activitypub.signatures import Key, KeyUnavailable, Reason, Refused, Verified, keys

ALICE = "https://server.example/users/alice"
KEY_ID = f"{ALICE}#ed25519-key"
NOW = datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC)
SECRET = multibase.decode("z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq")[2:]
PRIVATE = Ed25519PrivateKey.from_private_bytes(SECRET)

Document = dict[str, Any]

# fep-8b32.feature, "Signing document"
VECTOR: Document = {
    "@context": [
        "https://www.w3.org/ns/activitystreams",
        "https://w3id.org/security/data-integrity/v2",
    ],
    "id": "https://server.example/activities/1",
    "type": "Create",
    "actor": ALICE,
    "object": {
        "id": "https://server.example/objects/1",
        "type": "Note",
        "attributedTo": ALICE,
        "content": "Hello world",
        "location": {"type": "Place", "longitude": -71.184902, "latitude": 25.273962},
    },
}
VECTOR_VALUE = (
    "z42ffGu6AUKPCFcFPiabmUvnGLPJzC7e4DGWC52NUasSSH37UMa9c58tdgVszUcZfytxa4fQ5TYHaJENCxUDe9SdL"
)

# the same of 2023, when a proof had no @context of its own
OLD_VECTOR: Document = {
    "@context": [
        "https://www.w3.org/ns/activitystreams",
        "https://w3id.org/security/data-integrity/v1",
    ],
    "type": "Create",
    "actor": ALICE,
    "object": {"type": "Note", "content": "Hello world"},
    "proof": {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": KEY_ID,
        "proofPurpose": "assertionMethod",
        "proofValue": "z3sXaxjKs4M3BRicwWA9peyNPJvJqxtGsDmpt1jjoHCjgeUf71TRFz56osPSfDErszyLp5Ks1"
        "EhYSgpDaNM977Rg2",
        "created": "2023-02-24T23:36:38Z",
    },
}


class Keyring:
    """Keys by id, and what was asked of it."""

    def __init__(self) -> None:
        self.key = Key(id=KEY_ID, owner=ALICE, public=PRIVATE.public_key())
        self.fresh: Key | None = None
        self.trouble: KeyUnavailable | None = None
        self.asked: list[tuple[str, bool]] = []

    async def find(self, key_id: str, *, fresh: bool = False) -> Key:
        self.asked.append((key_id, fresh))
        if self.trouble is not None:
            raise self.trouble
        return self.fresh or self.key if fresh else self.key


@pytest.fixture
def keyring() -> Keyring:
    return Keyring()


async def judge(
    document: Document, keyring: Keyring, now: datetime = NOW, size: int = 1000
) -> Verified | Refused:
    return await proofs.verify(document, keyring.find, now, size=size)


def proven(document: Document = VECTOR, key_id: str = KEY_ID) -> Document:
    return proofs.sign(document, key_id, PRIVATE, NOW)


def resigned(document: Document, **options: Any) -> Document:
    """The document with a proof that is right about these options, whatever they say."""
    proof = {**proven()["proof"], **options}
    proof = {name: value for name, value in proof.items() if value is not None}
    del proof["proofValue"]
    hashed = b"".join(sha256(rfc8785.dumps(part)).digest() for part in (proof, document))
    return {**document, "proof": {**proof, "proofValue": multibase.encode(PRIVATE.sign(hashed))}}


def refused(verdict: Verified | Refused, reason: Reason) -> None:
    assert isinstance(verdict, Refused), verdict
    assert verdict.reason is reason, verdict
    assert verdict.detail.endswith(".")


async def test_the_vectors_of_the_fep(keyring: Keyring) -> None:
    signed = proven()
    assert signed["proof"] == {
        "@context": VECTOR["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": KEY_ID,
        "proofPurpose": "assertionMethod",
        "proofValue": VECTOR_VALUE,
        "created": "2023-02-24T23:36:38Z",
    }
    for document in (signed, OLD_VECTOR):
        verdict = await judge(document, keyring)
        assert isinstance(verdict, Verified), verdict
        assert (verdict.key_id, verdict.owner) == (KEY_ID, ALICE)


async def test_a_proof_that_is_made_as_fedify_makes_it(keyring: Keyring) -> None:
    # hashed with the document's @context, which is then left out of the proof
    signed = proven()
    del signed["proof"]["@context"]
    assert isinstance(await judge(signed, keyring), Verified)


async def test_what_we_publish_is_proven(keyring: Keyring) -> None:
    signed = proven(with_context({name: VECTOR[name] for name in VECTOR if name != "@context"}))
    assert isinstance(await judge(signed, keyring), Verified)
    # and hashed as the library hashes it, our shortcut aside
    again = proofs.sign({**signed, "@context": [*signed["@context"]]}, KEY_ID, PRIVATE, NOW)
    del again["proof"], again["@context"]
    copied = {"@context": [*signed["@context"]], **again}
    assert proofs.sign(copied, KEY_ID, PRIVATE, NOW)["proof"] == signed["proof"]


async def test_a_linked_data_signature_beside_it_is_not_looked_at(keyring: Keyring) -> None:
    signed = {**proven(), "signature": {"type": "RsaSignature2017", "signatureValue": "x"}}
    assert isinstance(await judge(signed, keyring), Verified)


async def test_one_proof_in_a_list_is_one(keyring: Keyring) -> None:
    signed = proven()
    assert isinstance(await judge({**signed, "proof": [signed["proof"]]}, keyring), Verified)
    refused(await judge({**signed, "proof": [signed["proof"]] * 2}, keyring), Reason.MALFORMED)
    refused(await judge({**signed, "proof": []}, keyring), Reason.MALFORMED)


Bend = Callable[[Document], Document]


@pytest.mark.parametrize(
    "bend",
    [
        lambda d: {**d, "type": "Update"},
        lambda d: {**d, "id": "https://server.example/activities/2"},
        lambda d: {**d, "to": ["https://www.w3.org/ns/activitystreams#Public"]},
        lambda d: {**d, "object": {**d["object"], "content": "Goodbye"}},
        lambda d: {**d, "object": {**d["object"], "location": {**d["object"]["location"],
                                                               "longitude": -71.184903}}},
        lambda d: {**d, "object": d["object"]["id"]},
        lambda d: {name: value for name, value in d.items() if name != "object"},
        lambda d: {**d, "proof": {**d["proof"], "created": "2023-02-24T23:36:39Z"}},
        lambda d: {**d, "proof": {**d["proof"], "domain": "elsewhere.example"}},
    ],
)  # fmt: skip
async def test_a_changed_document_is_refused(keyring: Keyring, bend: Bend) -> None:
    refused(await judge(bend(proven()), keyring), Reason.MISMATCH)


async def test_the_proof_of_another_document(keyring: Keyring) -> None:
    other = {**VECTOR, "type": "Like", "object": "https://server.example/objects/1"}
    refused(await judge({**other, "proof": proven()["proof"]}, keyring), Reason.MISMATCH)


@pytest.mark.parametrize(
    "context",
    [
        "https://www.w3.org/ns/activitystreams",
        ["https://www.w3.org/ns/activitystreams"],
        [*VECTOR["@context"], {"actor": "https://evil.example/ns#actor"}],
        [*reversed(VECTOR["@context"])],
        {},
        None,
    ],
)
async def test_another_context_is_refused(keyring: Keyring, context: Any) -> None:
    # terms must mean to the reader what they meant to the signer
    signed = proven()
    bent = {**signed, "@context": context}
    refused(await judge(bent, keyring), Reason.CONTEXT)
    bent["proof"] = {**signed["proof"], "@context": context}
    refused(await judge(bent, keyring), Reason.MISMATCH)
    bent["proof"] = {n: v for n, v in signed["proof"].items() if n != "@context"}
    refused(await judge(bent, keyring), Reason.MISMATCH)


@pytest.mark.parametrize("keyword", ["@graph", "@included", "@reverse"])
async def test_graph_keywords(keyring: Keyring, keyword: str) -> None:
    refused(await judge(resigned({**VECTOR, keyword: []}), keyring), Reason.MALFORMED)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"type": "Ed25519Signature2020"}, Reason.UNSUPPORTED),
        ({"type": None}, Reason.UNSUPPORTED),
        ({"cryptosuite": "eddsa-rdfc-2022"}, Reason.UNSUPPORTED),
        ({"cryptosuite": "hmac"}, Reason.UNSUPPORTED),
        ({"cryptosuite": None}, Reason.UNSUPPORTED),
        ({"proofPurpose": "authentication"}, Reason.UNSUPPORTED),
        ({"proofPurpose": None}, Reason.UNSUPPORTED),
        ({"verificationMethod": None}, Reason.KEY_ID),
        ({"verificationMethod": 7}, Reason.KEY_ID),
        ({"verificationMethod": "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"},
         Reason.KEY_ID),
        ({"verificationMethod": "file:///etc/passwd"}, Reason.KEY_ID),
        ({"verificationMethod": "https://evil.example/users/alice#ed25519-key"}, Reason.NOT_OWNER),
        ({"created": None}, Reason.MALFORMED),
        ({"created": "yesterday"}, Reason.MALFORMED),
        ({"created": "2023-02-26T00:00:00Z"}, Reason.EXPIRED),
        ({"created": "2023-02-01T00:00:00Z"}, Reason.EXPIRED),
        ({"expires": "2023-02-24T20:00:00Z"}, Reason.EXPIRED),
        ({"expires": 7}, Reason.MALFORMED),
    ],
)  # fmt: skip
async def test_proofs_that_are_not_ours_to_believe(
    keyring: Keyring, options: Document, reason: Reason
) -> None:
    refused(await judge(resigned(VECTOR, **options), keyring), reason)
    assert keyring.asked == []


async def test_a_proof_may_expire_later(keyring: Keyring) -> None:
    signed = resigned(VECTOR, expires="2023-02-24T23:40:00Z")
    assert isinstance(await judge(signed, keyring), Verified)
    late = NOW + timedelta(days=13)
    refused(await judge(signed, keyring, late), Reason.EXPIRED)
    assert isinstance(await judge(proven(), keyring, late), Verified)


@pytest.mark.parametrize(
    "value",
    [None, 7, "", "z", VECTOR_VALUE[1:], "u" + VECTOR_VALUE[1:], VECTOR_VALUE[:-2], "z" * 500,
     multibase.encode(b"\0" * 63), multibase.encode(b"\0" * 65)],
)  # fmt: skip
async def test_proof_values_that_are_none(keyring: Keyring, value: Any) -> None:
    signed = proven()
    bent = {**signed, "proof": {**signed["proof"], "proofValue": value}}
    refused(await judge(bent, keyring), Reason.MALFORMED)
    assert keyring.asked == []


@pytest.mark.parametrize("proof", [7, "x", [], [7], [[]], {}, {"type": []}, True])
async def test_proofs_that_are_no_proofs(keyring: Keyring, proof: Any) -> None:
    assert isinstance(await judge({**VECTOR, "proof": proof}, keyring), Refused)


async def test_a_document_without_proof(keyring: Keyring) -> None:
    refused(await judge(VECTOR, keyring), Reason.UNSIGNED)


@pytest.mark.parametrize("actor", [None, 7, [], "did:key:x", "https://evil.example/mallory"])
async def test_a_document_of_nobody_or_somebody_else(keyring: Keyring, actor: Any) -> None:
    verdict = await judge(resigned({**VECTOR, "actor": actor}), keyring)
    assert isinstance(verdict, Refused) and verdict.reason in (Reason.KEY_ID, Reason.NOT_OWNER)


async def test_the_key_of_another_actor_of_that_server(keyring: Keyring) -> None:
    keyring.key = Key(
        id=KEY_ID, owner="https://server.example/users/mallory", public=PRIVATE.public_key()
    )
    refused(await judge(proven(), keyring), Reason.NOT_OWNER)


async def test_an_rsa_key_makes_no_such_proof(keyring: Keyring) -> None:
    keyring.key = Key(id=KEY_ID, owner=ALICE, public=keys.load_public(keys.generate()[1]))
    refused(await judge(proven(), keyring), Reason.ALGORITHM)


async def test_a_rotated_key_is_fetched_once(keyring: Keyring) -> None:
    keyring.fresh = keyring.key
    other = Ed25519PrivateKey.generate().public_key()
    keyring.key = Key(id=KEY_ID, owner=ALICE, public=other)
    assert isinstance(await judge(proven(), keyring), Verified)
    assert keyring.asked == [(KEY_ID, False), (KEY_ID, True)]


async def test_a_key_that_cannot_be_had(keyring: Keyring) -> None:
    keyring.trouble = KeyUnavailable("There is none.", permanent=False)
    verdict = await judge(proven(), keyring)
    refused(verdict, Reason.KEY_UNAVAILABLE)
    assert isinstance(verdict, Refused) and verdict.status == 503


async def test_what_is_too_large_is_not_looked_at(keyring: Keyring) -> None:
    verdict = await judge(proven(), keyring, size=proofs.PROVEN_LIMIT + 1)
    assert isinstance(verdict, Refused) and verdict.status == 413


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**63 - 1])
async def test_a_number_without_canonical_form(keyring: Keyring, number: int) -> None:
    signed = proven()
    refused(await judge({**signed, "n": number}, keyring), Reason.MALFORMED)
    signed["proof"]["n"] = number
    refused(await judge(signed, keyring), Reason.MALFORMED)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False,
    allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner,
                                                                max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(["@context", "actor", "id", "object", "proof"]), JSON),
    st.dictionaries(st.sampled_from([*proven()["proof"], "expires"]), JSON),
)
async def test_no_document_breaks_verification(document: Document, options: Document) -> None:
    assert isinstance(await judge(document, Keyring()), Refused)
    bent = {**VECTOR, **document, "proof": {**proven()["proof"], **options}}
    await judge(bent, Keyring())
