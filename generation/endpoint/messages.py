"""What an images endpoint is asked, and what its answers say. Nothing is sent from here."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from PIL import Image

from generation import families
from generation.catalogue import Model
from generation.protocol import MAX_PICTURE
from generation.recipe import MAX_MODEL_NAME, Recipe

MAX_ANSWER = MAX_PICTURE * 4 // 3 + 65_536  # bytes: a picture in base64, and what is around it
MAX_WORDS = 65_536  # bytes of an answer that holds no picture
MAX_MODELS = 100
MAX_PIXELS = 16_777_216  # of an answer: 4096 × 4096, the largest sides that a recipe can have
MAX_REASON = 300  # characters of an endpoint's own words that are passed on
FORMATS = ("PNG", "JPEG", "WEBP")

# The fields by which a part of a recipe is followed; the others only say how to answer.
_PARTS = {
    "seed": "seed",
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "true_cfg_scale": "guidance",
    "negative_prompt": "negative_prompt",
}
_NEEDED = frozenset(("model", "prompt"))
_UNKNOWN = re.compile(
    r"unknown|unexpected|unrecogni[sz]ed|unsupported|not supported|not support\b|not permitted"
    r"|not allowed|extra_forbidden",
    re.IGNORECASE,
)
_NO_PICTURE = "The endpoint answered with something that is no picture."


class EndpointError(Exception):
    """A picture that an endpoint did not make; the message is one plain sentence.

    retry: whether trying again may help.
    """

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


class _Item(msgspec.Struct):
    b64_json: str | None = None
    url: str | None = None


class _Answer(msgspec.Struct):
    data: list[_Item]


class _Named(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Named]


def request(recipe: Recipe, name: str, model: Model) -> dict[str, Any]:
    """What an endpoint is asked: OpenAI's fields, and those that vLLM-Omni and SGLang share.

    recipe: what is open in it, the endpoint decides. name: the model as the endpoint calls it;
    empty where it has no names. model: what we know of it.
    """
    family = families.FAMILIES.get(model.family)
    guidance = family.guidance_argument if family else ""
    body = {
        "model": name or None,
        "prompt": recipe.prompt,
        "n": 1,
        "size": f"{recipe.width}x{recipe.height}" if recipe.width and recipe.height else None,
        "response_format": "b64_json",
        "seed": recipe.seed,
        # A seed means the same noise on every card only where the processor makes the noise.
        "generator_device": "cpu",
        "num_inference_steps": recipe.steps,
        guidance if guidance in _PARTS else "guidance_scale": recipe.guidance,
        "negative_prompt": recipe.negative_prompt or None,
    }
    return {key: value for key, value in body.items() if value is not None}


def followed(recipe: Recipe, left_out: set[str], width: int, height: int) -> Recipe:
    """The recipe as the endpoint really followed it.

    left_out: the fields of the request that it did not take. width, height: of its picture.
    """
    parts = {_PARTS[key] for key in left_out if key in _PARTS}
    open_: dict[str, Any] = {part: "" if part == "negative_prompt" else None for part in parts}
    return msgspec.structs.replace(recipe, width=width, height=height, **open_)


def not_taken(body: bytes, sent: Mapping[str, Any]) -> set[str]:
    """The fields that a refusal (400 or 422) says are not known there, rather than of a wrong
    value.

    body: the refusal. sent: the request; what it cannot do without is never among the fields.
    """
    told = _document(body)
    detail = told.get("detail") if isinstance(told, dict) else None
    if isinstance(detail, list):  # FastAPI's form
        words = [
            str(entry.get("loc"))
            for entry in detail
            if isinstance(entry, dict) and _UNKNOWN.search(str(entry.get("type")))
        ]
    else:
        message = _message(told)
        words = [message] if _UNKNOWN.search(message) else []
        error = told.get("error") if isinstance(told, dict) else None
        if words and isinstance(error, dict) and isinstance(error.get("param"), str):
            words = [error["param"]]
    named = set(re.findall(r"\w+", " ".join(words)))
    return {key for key in sent if key in named} - _NEEDED


def refusal(body: bytes) -> str:
    """An endpoint's own words for why it does not paint, on one line; empty where it has none."""
    return one_line(_message(_document(body))).rstrip(".")


def model_names(body: bytes) -> tuple[str, ...]:
    """The ids in a list of models. Raises EndpointError."""
    try:
        found = msgspec.json.decode(body, type=_Models).data
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EndpointError("What answers there is no images endpoint: it lists no models.") from (
            error
        )
    names = [one.id for one in found[:MAX_MODELS]]
    return tuple(n for n in names if n and n.isprintable() and len(n) <= MAX_MODEL_NAME)


def picture(body: bytes) -> bytes | str:
    """The picture in an answer: its file, or the address to fetch it from. Raises EndpointError."""
    try:
        items = msgspec.json.decode(body, type=_Answer).data
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EndpointError(_NO_PICTURE) from error
    if items and items[0].b64_json:
        try:
            return base64.b64decode(items[0].b64_json, validate=True)
        except (binascii.Error, ValueError) as error:
            raise EndpointError(_NO_PICTURE) from error
    if not items or not items[0].url:
        raise EndpointError("The endpoint answered without a picture.")
    return items[0].url


def as_png(content: bytes) -> tuple[bytes, int, int]:
    """The pixels of a picture as PNG, without whatever else was in its file; width and height.

    Raises EndpointError.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise EndpointError(
                    f"The endpoint made a picture of {image.width} × {image.height} pixels, "
                    "which is too large."
                )
            pixels = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise EndpointError(_NO_PICTURE) from error
    if pixels.getbbox() is None:  # what safety checkers hand out, and numbers that overflowed
        raise EndpointError("The endpoint made an all-black picture, as safety checkers do.")
    out = io.BytesIO()
    pixels.save(out, "PNG", compress_level=1)  # for the way to the server, which packs it well
    return out.getvalue(), pixels.width, pixels.height


def seconds_of(retry_after: str) -> float | None:
    """How long a Retry-After asks to wait, in seconds, or None (RFC 9110, section 10.2.3)."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def one_line(text: str) -> str:
    """Somebody else's words, made fit for one sentence of ours."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * MAX_REASON])
    return " ".join(plain.split())[:MAX_REASON]


def _document(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body[:MAX_WORDS])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _message(told: Any) -> str:
    """The words of a refusal in OpenAI's form or FastAPI's."""
    if not isinstance(told, dict):
        return ""
    error = told.get("error", told.get("detail", told.get("message", "")))
    if isinstance(error, dict):
        error = error.get("message", "")
    if isinstance(error, list):
        entries = [entry for entry in error[:3] if isinstance(entry, dict)]
        error = "; ".join(f"{_place(entry)}: {entry.get('msg', '')}" for entry in entries)
    return error if isinstance(error, str) else ""


def _place(entry: Mapping[str, Any]) -> str:
    place = entry.get("loc")
    return " ".join(map(str, place)) if isinstance(place, list) else str(place)
