"""Content credentials (C2PA): a signature over the whole file, and what was said under it.

Written last of all, because it covers every byte that was there before. The keys are handed in;
nothing is asked of the network. Both functions take some milliseconds: call them in a thread.
What a stranger's file says is read by `generation.apart`, in a process of its own.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from PIL import Image

from generation import certificates, manifests
from generation.certificates import Certified
from generation.manifests import MAX_WORD, TRAINING, Manifest
from generation.provenance import COMPOSITE, ENHANCED, TRAINED_ALGORITHMIC_MEDIA
from generation.recipe import Recipe

ACTIONS = "c2pa.actions.v2"
# What CAWG's assertion can forbid, but for using a picture as input: to describe it to somebody
# who cannot see it, or to remix it, is no training.
MINING = ("cawg.ai_generative_training", "cawg.ai_training", "cawg.data_mining")

MAX_JSON = 4_000_000  # characters of a manifest store that are read; ours has 5,000

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
    source_type: an IPTC digital source type. upscaler: what made it larger in the end.
    """

    model: str
    model_version: str = ""
    software: str = ""
    recipe: Recipe | None = None
    training: bool = False
    source_type: str = TRAINED_ALGORITHMIC_MEDIA
    parents: tuple[Parent, ...] = ()
    upscaler: str = ""


def sign(picture: bytes, media_type: str, claim: Claim, by: Certified) -> bytes:
    """The file with its content credentials.

    Args:
        picture: the finished file; credentials that it has already become those of its parent.
        media_type: `image/png`, `image/jpeg` or `image/webp`.
        claim: what is said of it. If a parent's file is a stranger's, use `generation.apart.sign`.
        by: the key that signs, and its certificate followed by the authority's.

    Raises:
        CredentialsError: it cannot be signed.
    """
    return sign_by(
        picture,
        media_type,
        claim,
        by.certificate,
        lambda data: certificates.signature(data, by.key),
    )


def sign_by(
    picture: bytes,
    media_type: str,
    claim: Claim,
    certificate: str,
    signature: Callable[[bytes], bytes],
) -> bytes:
    """Like `sign`, where the key is elsewhere.

    Args:
        certificate: of the key that signs, followed by the authority's.
        signature: gives the key's signature over some bytes; it is asked once.
    """
    import c2pa  # a native library of 40 MB: loaded when the first picture is signed

    out = io.BytesIO()
    try:
        with (
            c2pa.Context.from_dict(_SETTINGS) as context,
            # No clock but our own.
            c2pa.Signer.from_callback(signature, c2pa.C2paSigningAlg.ES256, certificate) as signer,
            c2pa.Builder(_definition(claim, media_type), context=context) as builder,
        ):
            for number, parent in enumerate(claim.parents):
                if parent.picture:
                    builder.add_ingredient(
                        json.dumps(_ingredient(number, parent, claim)),
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
            _ingredient(number, parent, claim)
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
        "action": "c2pa.edited" if _edits(claim) else "c2pa.created",
        "digitalSourceType": claim.source_type,
        "softwareAgent": agent,
    }
    if claim.recipe is not None:
        made["parameters"] = _parameters(claim.recipe)
    actions = [made]
    if _edits(claim):
        opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": [_label(0)]}}
        actions.insert(0, opened)
    if claim.upscaler:
        enlarged = {
            "action": "c2pa.resized",
            "digitalSourceType": ENHANCED,
            "softwareAgent": {"name": claim.upscaler[:MAX_WORD]},
        }
        actions.append(enlarged)
    return actions


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


def _edits(claim: Claim) -> bool:
    """Whether it was painted over its parent; else it has only its parent's recipe."""
    return bool(claim.parents) and claim.source_type == COMPOSITE


def _ingredient(number: int, parent: Parent, claim: Claim) -> dict[str, Any]:
    # There may be only one parent; what else went into it is input.
    return {
        "label": _label(number),
        "title": parent.uri[:MAX_WORD],
        "relationship": "parentOf" if number == 0 and _edits(claim) else "inputTo",
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
        # Not `user_anchors`, which count beside whatever list the library may bring along.
        settings["trust"] = {"trust_anchors": anchor}
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
    return manifests.of_store(json.loads(written), anchored=anchor is not None)


def rehearse(by: Certified, authorities: Mapping[str, str]) -> Manifest:
    """Sign a picture of one pixel, and read it back: whether all is there that it takes.

    Raises:
        CredentialsError: it cannot be signed.
    """
    out = io.BytesIO()
    Image.new("RGB", (1, 1)).save(out, "PNG")
    claim = Claim(model="nobody", software="Easel")
    return read(sign(out.getvalue(), "image/png", claim, by), "image/png", authorities)
