"""Content credentials (C2PA): a signature over the whole file, and what was said under it.

Written last of all, because it covers every byte that was there before. The keys are handed in;
nothing is asked of the network. Both functions take some milliseconds: call them in a thread.
What a stranger's file says is read by `generation.apart`, in a process of its own.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from generation.certificates import Certified
from generation.provenance import COMPOSITE, TRAINED_ALGORITHMIC_MEDIA
from generation.recipe import Recipe

ACTIONS = "c2pa.actions.v2"
TRAINING = "cawg.training-mining"
# What CAWG's assertion can forbid, but for using a picture as input: to describe it to somebody
# who cannot see it, or to remix it, is no training.
MINING = ("cawg.ai_generative_training", "cawg.ai_training", "cawg.data_mining")

MAX_JSON = 4_000_000  # characters of a manifest store that are read; ours has 5,000
MAX_WORD = 300  # characters kept of a name
MAX_PROMPT = 10_000  # characters kept of a prompt
MAX_PARENTS = 20
MAX_CODES = 20

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

# Neither thumbnails (the picture itself is there) nor anything from the network.
_SETTINGS: dict[str, Any] = {
    "version": 1,
    "builder": {
        "thumbnail": {"enabled": False},
        "actions": {
            "auto_created_action": {"enabled": False},
            "auto_opened_action": {"enabled": False},
            "auto_placed_action": {"enabled": False},
        },
    },
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}


class CredentialsError(Exception):
    """A file could not be signed; the message says why."""


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """The picture that another was made from: the id of its post, and its file if it is at hand."""

    uri: str
    picture: bytes = b""
    media_type: str = ""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a picture under the signature.

    model, model_version: as people read them. software: the program, `Easel 0.1`.
    recipe: as it was painted, if its author shares it. training: whether others may train on it.
    source_type: an IPTC digital source type.
    """

    model: str
    model_version: str = ""
    software: str = ""
    recipe: Recipe | None = None
    training: bool = False
    source_type: str = TRAINED_ALGORITHMIC_MEDIA
    parents: tuple[Parent, ...] = ()


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


def sign(picture: bytes, media_type: str, claim: Claim, by: Certified) -> bytes:
    """The file with its content credentials.

    Args:
        picture: the finished file; credentials that it has already become those of its parent.
        media_type: `image/png`, `image/jpeg` or `image/webp`.
        claim: what is said of it.
        by: the key that signs, and its certificate followed by the authority's.

    Raises:
        CredentialsError: it cannot be signed.
    """
    import c2pa  # a native library of 40 MB: loaded when the first picture is signed

    out = io.BytesIO()
    try:
        info = c2pa.C2paSignerInfo(
            b"es256",
            by.certificate.encode(),
            by.key.encode(),
            None,  # no clock but our own
        )
        with (
            c2pa.Context.from_dict(_SETTINGS) as context,
            c2pa.Signer.from_info(info) as signer,
            c2pa.Builder(_definition(claim, media_type), context=context) as builder,
        ):
            for number, parent in enumerate(claim.parents):
                if parent.picture:
                    builder.add_ingredient(
                        json.dumps(_ingredient(number, parent)),
                        parent.media_type,
                        io.BytesIO(parent.picture),
                    )
            builder.sign(signer, media_type, io.BytesIO(picture), out)
    except c2pa.C2paError as error:
        raise CredentialsError(f"The picture could not be signed: {error}") from error
    return out.getvalue()


def _definition(claim: Claim, media_type: str) -> dict[str, Any]:
    name, _, version = claim.software.partition(" ")
    use = "allowed" if claim.training else "notAllowed"
    return {
        "claim_generator_info": [{"name": name or "Easel", "version": version or "0"}],
        "format": media_type,
        "ingredients": [
            _ingredient(number, parent)
            for number, parent in enumerate(claim.parents)
            if not parent.picture
        ],
        "assertions": [
            {"label": ACTIONS, "data": {"actions": _actions(claim)}},
            {"label": TRAINING, "data": {"entries": {key: {"use": use} for key in MINING}}},
        ],
    }


def _actions(claim: Claim) -> list[dict[str, Any]]:
    """How the picture came into being. C2PA knows two beginnings: made new, or opened."""
    agent = {"name": claim.model[:MAX_WORD] or "unknown"}
    if claim.model_version:
        agent["version"] = claim.model_version[:MAX_WORD]
    made: dict[str, Any] = {
        "action": "c2pa.edited" if claim.parents else "c2pa.created",
        "digitalSourceType": claim.source_type,
        "softwareAgent": agent,
    }
    if claim.recipe is not None:
        made["parameters"] = _parameters(claim.recipe)
    if not claim.parents:
        return [made]
    return [{"action": "c2pa.opened", "parameters": {"ingredientIds": [_label(0)]}}, made]


def _parameters(recipe: Recipe) -> dict[str, Any]:
    found = {
        "prompt": recipe.prompt,
        "negativePrompt": recipe.negative_prompt,
        "seed": recipe.seed,
        "steps": recipe.steps,
        "guidance": recipe.guidance,
    }
    return {name: value for name, value in found.items() if value not in (None, "")}


def _label(number: int) -> str:
    return f"parent-{number}"


def _ingredient(number: int, parent: Parent) -> dict[str, Any]:
    # There may be only one parent; what else went into it is input.
    return {
        "label": _label(number),
        "title": parent.uri[:MAX_WORD],
        "relationship": "inputTo" if number else "parentOf",
        "informational_URI": parent.uri,
        "instance_id": parent.uri,
    }


def present(content: bytes) -> bool:
    """Whether a file may have content credentials: without these words it has none."""
    return b"jumb" in content and b"c2pa" in content


def read(content: bytes, media_type: str, authorities: Mapping[str, str]) -> Manifest:
    """What a file's content credentials say, and whether they hold.

    Args:
        content: the file. If it is a stranger's, use `generation.apart.read`.
        media_type: what it is, such as `image/png`.
        authorities: certificates (PEM) of who is believed, by their names.
    """
    if not present(content):
        return Manifest()
    found = _read(content, media_type, None)
    if found.state != "valid":
        return found
    for name in sorted(authorities, key=lambda name: name != found.signer):
        if _read(content, media_type, authorities[name]).vouched:
            return msgspec.structs.replace(found, vouched=name)
    return found


def _read(content: bytes, media_type: str, anchor: str | None) -> Manifest:
    """Against one authority, since a reader does not tell by which it trusts."""
    import c2pa

    settings = dict(_SETTINGS)
    if anchor is not None:
        settings["trust"] = {"user_anchors": anchor}
    try:
        with (
            c2pa.Context.from_dict(settings) as context,
            c2pa.Reader(media_type, io.BytesIO(content), context=context) as reader,
        ):
            written = reader.json()
    except c2pa.C2paError.ManifestNotFound:
        return Manifest()
    except c2pa.C2paError as error:
        return Manifest(state="damaged", codes=(str(error)[:MAX_WORD],))
    if len(written) > MAX_JSON:
        return Manifest(state="damaged", codes=("too large",))
    return _manifest(json.loads(written), anchored=anchor is not None)


def _manifest(store: Any, *, anchored: bool) -> Manifest:
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
