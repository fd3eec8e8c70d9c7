"""What content credentials say: a store of manifests, as the library tells of it, in our words.

Everything in it is a stranger's: each part has a type and a length here, or is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from generation.provenance import COMPOSITE, TRAINED_ALGORITHMIC_MEDIA

MAX_WORD = 300  # characters kept of a name
MAX_PROMPT = 10_000  # characters kept of a prompt
MAX_PARENTS = 20
MAX_CODES = 20

TRAINING = "cawg.training-mining"

State = Literal["none", "valid", "altered", "expired", "refused", "damaged"]

# Codes of C2PA (technical specification 2.1, 15.2) by what they mean to people.
_ALTERED = (
    "assertion.dataHash.mismatch",
    "assertion.boxesHash.mismatch",
    "assertion.bmffHash.mismatch",
    "assertion.hashedURI.mismatch",
    "assertion.missing",
    "claimSignature.mismatch",
)
_EXPIRED = ("signingCredential.expired", "claimSignature.outsideValidity")
_REFUSED = ("signingCredential.invalid", "signingCredential.ocsp.revoked", "algorithm.unsupported")
UNTRUSTED = "signingCredential.untrusted"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a file's content credentials say, and whether they hold; empty where it has none.

    state: `valid` (signed, and not altered since), `altered`, `expired` (the certificate has
        ended, and nothing proves that it had not when it signed), `refused` (signed by what may not
        sign pictures), `damaged`.
    signer: who the certificate says it is. Anybody can call themselves so, unless `vouched`.
    vouched: which of the authorities that were handed in let the signer sign.
    training: `allowed`, `notAllowed` or `constrained`. parents: ids or titles of ingredients.
    codes: why it does not hold, in C2PA's own words.
    """

    state: State = "none"
    signer: str = ""
    vouched: str = ""
    digital_source_type: str = ""
    ai_system: str = ""
    ai_system_version: str = ""
    software: str = ""
    prompt: str = ""
    training: str = ""
    parents: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


def of_store(store: Any, *, anchored: bool) -> Manifest:
    """The manifest that counts in a store.

    Args:
        store: the library's JSON.
        anchored: whether it was read against an authority; then `vouched` is not empty if that let
            the signer sign.
    """
    active = _part(_part(store, "manifests"), _text(_part(store).get("active_manifest")))
    codes = tuple(dict.fromkeys(_failures(store)))
    state = _state(_text(_part(store).get("validation_state")), codes)
    signature = _part(active, "signature_info")
    said: dict[str, str] = {}
    for assertion in _list(active.get("assertions")):
        label, data = _text(_part(assertion).get("label")), _part(assertion, "data")
        if label.startswith("c2pa.actions"):
            for action in _list(data.get("actions")):
                _note_action(said, _part(action))
        elif label.startswith((TRAINING, "c2pa.training-mining")):
            uses = [_text(_part(entry).get("use")) for entry in _part(data, "entries").values()]
            said["training"] = next((use for use in uses if use == "notAllowed"), "") or (
                uses[0] if uses else ""
            )
    trusted = anchored and store.get("validation_state") == "Trusted"
    generator = _part(next(iter(_list(active.get("claim_generator_info"))), {}))
    return Manifest(
        state=state,
        signer=_text(signature.get("issuer")) or _text(signature.get("common_name")),
        vouched="anchor" if trusted else "",
        software=" ".join(
            filter(None, (_text(generator.get("name")), _text(generator.get("version"))))
        )
        or _text(active.get("claim_generator")),
        parents=tuple(_parents(active)),
        codes=codes[:MAX_CODES],
        **said,
    )


def _note_action(said: dict[str, str], action: Mapping[str, Any]) -> None:
    """The first source type that speaks of a machine counts, and who was the machine."""
    source = _text(action.get("digitalSourceType"))
    if not source or said.get("digital_source_type") in (TRAINED_ALGORITHMIC_MEDIA, COMPOSITE):
        return
    said["digital_source_type"] = source
    agent = action.get("softwareAgent")
    if isinstance(agent, Mapping):
        said["ai_system"] = _text(agent.get("name"))
        said["ai_system_version"] = _text(agent.get("version"))
    else:
        said["ai_system"] = _text(agent)
    said["prompt"] = _text(_part(action, "parameters").get("prompt"), MAX_PROMPT)


def _parents(active: Mapping[str, Any]) -> Iterator[str]:
    for ingredient in _list(active.get("ingredients"))[:MAX_PARENTS]:
        found = _part(ingredient)
        name = _text(found.get("informational_URI")) or _text(found.get("title"))
        if name:
            yield name


def _state(told: str, codes: tuple[str, ...]) -> State:
    if told in {"Valid", "Trusted"}:
        return "valid"
    for state, known in (("altered", _ALTERED), ("refused", _REFUSED), ("expired", _EXPIRED)):
        if any(code in known for code in codes):
            return state  # type: ignore[return-value]
    return "damaged"


def _failures(store: Any) -> Iterator[str]:
    """Codes of what does not hold, in the manifest that counts; an unknown signer is no failure."""
    results = _part(_part(store, "validation_results"), "activeManifest")
    for failure in _list(results.get("failure")) or _list(_part(store).get("validation_status")):
        code = _text(_part(failure).get("code"))
        if code and code != UNTRUSTED:
            yield code


def _part(document: Any, name: str | None = None) -> Mapping[str, Any]:
    part = document
    if name is not None:
        part = document.get(name) if isinstance(document, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _list(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [value]
    return value if isinstance(value, list) else []


def _text(value: Any, longest: int = MAX_WORD) -> str:
    return value[:longest].strip() if isinstance(value, str) else ""


def sentence(found: Manifest, here: str = "") -> str:
    """What the credentials come to, in words.

    Args:
        found: what was read.
        here: the name under which this instance's own authority was handed in.
    """
    who = found.signer or "somebody without a name"
    match found.state:
        case "none":
            return "It carries no content credentials."
        case "valid" if found.vouched and found.vouched == here:
            return f"Signed by this instance, {here}, and not altered since."
        case "valid" if found.vouched:
            return f"Signed by {found.vouched}, and not altered since."
        case "valid":
            return (
                f"Not altered since it was signed, by a key that calls itself {who}; "
                "nobody known here vouches for that."
            )
        case "altered":
            return f"It was altered after it was signed in the name of {who}."
        case "expired":
            return f"The certificate of {who} has ended: its signature proves nothing any more."
        case "refused":
            return f"It is signed with a certificate, of {who}, that may not sign pictures."
    return "Its content credentials are damaged and cannot be believed."
