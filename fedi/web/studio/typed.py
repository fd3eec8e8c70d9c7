"""What people type in the studio: fields of a form, as the document that `studio.wishes` reads.

Fields that are left empty say nothing; whatever is refused is shown again as it was typed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from fedi.settings import PaintingSettings
from fedi.social.drafts import Draft
from fedi.social.errors import Invalid
from fedi.studio import drafting, imagine
from fedi.web import later, words
from generation.recipe import MAX_LORAS, RecipeError

# Width to height. The first is the model's own, which it was trained for.
SHAPES = {
    "": "Usual",
    "1:1": "Square",
    "3:2": "Wide",
    "2:3": "Tall",
    "16:9": "Film",
    "9:16": "Phone",
}
MAX_COUNT = 4  # pictures at once: as many as a post shows
MAX_LANGUAGE = 35  # characters of a language tag
WHEN_DONE, LATER, BY_HAND = "done", "later", "hand"
TRAINING = {
    "": "As on all my pictures",
    "yes": "They may",
    "no": "They may not",
}
_TRAINING: dict[str, bool] = {"yes": True, "no": False}
RECTANGLE = ("mask_left", "mask_top", "mask_width", "mask_height")
_LORAS = tuple(f"{what}_{n}" for n in range(1, MAX_LORAS + 1) for what in ("lora", "weight"))
RECIPE = (
    "prompt", "negative_prompt", "model", "shape", "count", "seed", "steps", "guidance",
    "strength", "upscale", "source_was", "mask_was", "references_was", "drop_was",
    "from_parent",
    "remix_of", *RECTANGLE, *_LORAS,
)  # fmt: skip
POST = (
    "text", "description", "spoiler_text", "sensitive", "visibility", "language", "quoters",
    "in_reply_to_id", "share_recipe", "training",
)  # fmt: skip
FIELDS = (*RECIPE, *POST, "post", *later.FIELDS, words.REMEMBERED)


def blank(**known: str) -> dict[str, str]:
    """Every field, empty but for what is known."""
    return dict.fromkeys(FIELDS, "") | known


def kept(fields: Mapping[str, str]) -> dict[str, str]:
    """Every field as it was typed."""
    return {name: fields.get(name, "") for name in FIELDS}


def wish(
    fields: Mapping[str, str], files: Collection[str], settings: PaintingSettings
) -> dict[str, Any]:
    """The document of a form.

    Args:
        files: the names of those that came with it: `source` and `mask`.

    Raises:
        Invalid: with what to change.
    """
    count = _whole(fields, "count", "The number of pictures") or 1
    if not 1 <= count <= MAX_COUNT:
        raise Invalid(f"At most {MAX_COUNT} pictures are made at once here.")
    asked: dict[str, Any] = {
        "recipe": recipe(fields, files, settings),
        "count": count,
        "share_recipe": bool(fields.get("share_recipe")),
        "description": fields.get("description", ""),
    }
    if fields.get("remix_of"):
        asked["remix_of"] = fields["remix_of"]
    if fields.get("post") == WHEN_DONE:
        asked["post"] = post_document(fields)
    elif fields.get("post") == LATER:
        asked["post"] = post_document(fields) | {"scheduled_at": _scheduled(fields)}
    return asked


def recipe(
    fields: Mapping[str, str], files: Collection[str], settings: PaintingSettings
) -> dict[str, Any]:
    """The recipe of a form; what is empty is null, so that a remix leaves it out, too.

    Raises:
        Invalid: with what to change.
    """
    said: dict[str, Any] = {
        "prompt": fields.get("prompt", "").strip(),
        "negative_prompt": fields.get("negative_prompt", "").strip() or None,
        "model": fields.get("model", "") or None,
        "seed": _whole(fields, "seed", "The seed"),
        "steps": _whole(fields, "steps", "The number of steps"),
        "guidance": number(fields, "guidance", "The guidance"),
        "upscale": _whole(fields, "upscale", "How much larger it becomes"),
        "loras": _loras(fields),
        "source": _picture(fields, files, "source"),
        "references": None
        if fields.get("drop_was")
        else fields.get("references_was", "").split() or None,
    }
    if not said["prompt"]:
        raise Invalid("Say what you want to see.")
    said["width"], said["height"] = _size(fields, settings)
    said["mask"] = mask(fields, files) if said["source"] else None
    # Without a picture to start from, a strength means nothing.
    said["strength"] = number(fields, "strength", "The strength") if said["source"] else None
    return said


def mask(fields: Mapping[str, str], files: Collection[str]) -> object:
    """Where to paint: what was drawn or chosen, or else a rectangle by its numbers."""
    if found := _picture(fields, files, "mask"):
        return found
    sides = [number(fields, name, "A side of the rectangle") for name in RECTANGLE]
    if all(side is None for side in sides):
        return None
    return {"rectangle": [side or 0.0 for side in sides]}


def post_document(fields: Mapping[str, str]) -> dict[str, Any]:
    """The post of a form, as `studio.drafting` reads it."""
    return {
        "text": fields.get("text", ""),
        "spoiler_text": fields.get("spoiler_text", ""),
        "sensitive": bool(fields.get("sensitive")),
        "visibility": fields.get("visibility") or "public",
        "language": fields.get("language", "").strip() or None,
        "quoters": fields.get("quoters") or "public",
        "in_reply_to_id": fields.get("in_reply_to_id") or None,
        "training": training(fields),
    }


def _scheduled(fields: Mapping[str, str]) -> str:
    moment = later.when(fields)
    if moment is None:
        raise Invalid("Say when it is posted: a day and a time.")
    return moment.isoformat()


def training(fields: Mapping[str, str]) -> bool | None:
    """What is said of training in a form; None: nothing."""
    return _TRAINING.get(fields.get("training", ""))


def trained(said: bool | None) -> str:
    """What was said of training, as a form has it."""
    return next((word for word, may in _TRAINING.items() if may is said), "")


def post(fields: Mapping[str, str]) -> Draft:
    """The post of a form.

    Raises:
        Invalid: with what to change.
    """
    draft = drafting.parse(post_document(fields))
    assert draft is not None
    return draft


def of_recipe(recipe: Mapping[str, Any]) -> dict[str, str]:
    """A recipe as the fields of a form."""
    fields = {
        name: f"{recipe[name]:g}" if isinstance(recipe[name], float) else str(recipe[name])
        for name in ("prompt", "negative_prompt", "model", "seed", "steps", "guidance", "strength",
                     "upscale")
        if recipe.get(name) is not None
    }  # fmt: skip
    if recipe.get("width") and recipe.get("height"):
        fields["shape"] = f"{recipe['width']}x{recipe['height']}"
    for place, lora in enumerate((recipe.get("loras") or [])[:MAX_LORAS], 1):
        fields[f"lora_{place}"] = str(lora["name"])
        fields[f"weight_{place}"] = f"{lora.get('weight', 1.0):g}"
    for name in ("source", "mask"):
        fields[f"{name}_was"] = str(recipe.get(name) or "")
    fields["references_was"] = " ".join(recipe.get("references") or ())
    return fields


def of_post(draft: Mapping[str, Any] | None) -> dict[str, str]:
    """A stored draft as the fields of a form."""
    if draft is None:
        return {}
    said = drafting.document(draft)
    fields = {
        name: str(said[name] or "")
        for name in ("text", "spoiler_text", "visibility", "language", "quoters", "in_reply_to_id")
    }
    return fields | {
        "sensitive": "1" if said["sensitive"] else "",
        "training": trained(said["training"]),
    }


def _size(fields: Mapping[str, str], settings: PaintingSettings) -> tuple[int | None, int | None]:
    shape = fields.get("shape", "")
    if not shape:
        return None, None
    wide, by, high = shape.partition("x")
    if by and wide.isdecimal() and high.isdecimal() and len(shape) < 12:  # as it was elsewhere
        return int(wide), int(high)
    if shape not in SHAPES:
        raise Invalid(f"The shape is one of {', '.join(filter(None, SHAPES))}.")
    wide, _, high = shape.partition(":")
    model = fields.get("model") or settings.model
    try:
        return imagine.size(int(wide) / int(high), model, settings.max_megapixels)
    except RecipeError as refusal:
        raise Invalid(str(refusal)) from refusal


def _picture(fields: Mapping[str, str], files: Collection[str], name: str) -> object:
    """A file that was chosen, else the picture of before, unless it is to go."""
    if name in files:
        return {"upload": name}
    if name == "source" and fields.get("from_parent") and fields.get("remix_of"):
        return {"status_id": fields["remix_of"]}
    return None if fields.get("drop_was") else fields.get(f"{name}_was") or None


def _loras(fields: Mapping[str, str]) -> list[dict[str, Any]] | None:
    found = []
    for place in range(1, MAX_LORAS + 1):
        if name := fields.get(f"lora_{place}", "").strip():
            weight = number(fields, f"weight_{place}", "The weight of a LoRA")
            found.append({"name": name, "weight": 1.0 if weight is None else weight})
    return found or None


def _whole(fields: Mapping[str, str], name: str, what: str) -> int | None:
    text = fields.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise Invalid(f"{what} is a whole number.")
    return int(text)


def number(fields: Mapping[str, str], name: str, what: str) -> float | None:
    """A field as a number; None where it is empty.

    Raises:
        Invalid: it is none.
    """
    text = fields.get(name, "").strip().replace(",", ".")
    if not text:
        return None
    sign, digits = text[:1] == "-", text.removeprefix("-")
    if len(text) > 12 or not digits.replace(".", "", 1).isdecimal() or not digits.isascii():
        raise Invalid(f"{what} is a number.")
    return -float(digits) if sign else float(digits)
