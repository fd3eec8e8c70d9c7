"""The models that help: they judge pictures, describe them, say what they show, make them larger,
show them while they are painted, and help with words.

Each is a single model of transformers or diffusers, from the hub or in a folder, pulled like one
that paints and never fetched by itself. A folder may say in an `easel.json` what it is called
(`name`) and, of a classifier, which labels count how much (`labels`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from generation import catalogue, hub, parts, tiny
from generation.catalogue import Kind, Model, UnknownModel

AUTO, NONE = "auto", "none"  # as a host may write instead of a name
BOTH_USES = "qwen3.5-0.8b"  # the small one that describes and helps with words

# What makes pictures larger where nothing else was pulled. It comes with Easel.
OWN_UPSCALER = Model(
    key="easel-upscaler",
    name="Easel upscaler",
    source=str(Path(__file__).parent / "upscaler" / "weights"),
    licence="Apache-2.0",
    commercial=True,
    memory_gb=0.1,
    kinds=("upscaling",),
    note="Comes with Easel, and is quick. Keeps edges sharp; invents no detail.",
)

HELPERS = {
    model.key: model
    for model in (
        Model(
            key="nsfw-falconsai",
            name="Falconsai NSFW detection",
            source="Falconsai/nsfw_image_detection",
            licence="Apache-2.0",
            commercial=True,
            memory_gb=0.4,
            download_gb=0.34,
            kinds=("safety",),
            labels={"nsfw": 1.0},
            note="Small, and says only yes or no.",
        ),
        Model(
            key="nsfw-freepik",
            name="Freepik NSFW detector",
            source="Freepik/nsfw_image_detector",
            licence="MIT",
            commercial=True,
            memory_gb=0.4,
            kinds=("safety",),
            labels={"low": 0.25, "medium": 0.75, "high": 1.0},
            needs="timm",
            note="Tells degrees apart.",
        ),
        Model(
            key=BOTH_USES,
            name="Qwen3.5 0.8B",
            source="Qwen/Qwen3.5-0.8B",
            licence="Apache-2.0",
            commercial=True,
            memory_gb=1.8,
            kinds=("description", "language"),
            note="One small model for descriptions and for words, in many languages.",
        ),
        Model(
            key="qwen3.5-2b",
            name="Qwen3.5 2B",
            source="Qwen/Qwen3.5-2B",
            licence="Apache-2.0",
            commercial=True,
            memory_gb=4.5,
            kinds=("description", "language"),
            note="The same, more exact.",
        ),
        Model(
            key="florence-2-base",
            name="Florence-2 base",
            source="florence-community/Florence-2-base-ft",
            licence="MIT",
            commercial=True,
            memory_gb=0.5,
            kinds=("description",),
            note="The quickest; describes in English only.",
        ),
        Model(
            key="qwen3-0.6b",
            name="Qwen3 0.6B",
            source="Qwen/Qwen3-0.6B",
            licence="Apache-2.0",
            commercial=True,
            memory_gb=1.2,
            kinds=("language",),
        ),
        Model(
            key="qwen3-1.7b",
            name="Qwen3 1.7B",
            source="Qwen/Qwen3-1.7B",
            licence="Apache-2.0",
            commercial=True,
            memory_gb=3.5,
            kinds=("language",),
        ),
        Model(
            key="clip-vit-b-32",
            name="CLIP ViT-B/32 (LAION-2B)",
            source="laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
            licence="MIT",
            commercial=True,
            memory_gb=0.6,
            download_gb=0.61,
            kinds=("recognition",),
            note="Sees what pictures show, for the feed “For you”.",
        ),
        Model(
            key="tinyclip-40m",
            name="TinyCLIP 40M",
            source="wkcn/TinyCLIP-ViT-40M-32-Text-19M-LAION400M",
            licence="MIT",
            commercial=True,
            memory_gb=0.3,
            kinds=("recognition",),
            note="The same with half the size, and less exact.",
        ),
        *(
            Model(
                key=key,
                name=name,
                source=f"madebyollin/{key}",
                licence="MIT",
                commercial=True,
                memory_gb=0.1,
                download_gb=0.01,
                kinds=("preview",),
                note=f"Clearer previews of what {painters} paint. Used as soon as it is here.",
            )
            for key, name, painters in (
                ("taesd", "TAESD", "Stable Diffusion 1 and 2"),
                ("taesdxl", "TAESDXL", "SDXL and its relatives"),
                ("taef1", "TAEF1", "FLUX.1 and Z-Image"),
            )
        ),
        # Time and memory are those of their layers with random weights, one thread, one piece.
        Model(
            key="swin2sr-x2",
            name="Swin2SR x2",
            source="caidas/swin2SR-classical-sr-x2-64",
            licence="Apache-2.0",
            commercial=True,
            memory_gb=0.7,
            download_gb=0.05,
            kinds=("upscaling",),
            note="For photographs. It wants a card: one thread takes 20 minutes for a megapixel.",
        ),
        Model(
            key="swin2sr-x4",
            name="Swin2SR x4",
            source="caidas/swin2SR-classical-sr-x4-64",
            licence="Apache-2.0",
            commercial=True,
            memory_gb=0.7,
            download_gb=0.05,
            kinds=("upscaling",),
            note="The same, 4 times at once; for 2 times it enlarges by 4 and shrinks by 2.",
        ),
        OWN_UPSCALER,  # the last: what was pulled comes before it
    )
}

# How much a label counts where nobody says: by the names that classifiers on the hub use.
_USUAL_LABELS = {
    "nsfw": 1.0, "porn": 1.0, "pornography": 1.0, "hentai": 1.0, "explicit": 1.0, "unsafe": 1.0,
    "sexual": 1.0, "nude": 1.0, "sexy": 0.6, "suggestive": 0.6, "enticing or sensual": 0.6,
}  # fmt: skip


def listed(name: str) -> Model | None:
    """The helper of the catalogue with that key or hub id."""
    if name in HELPERS:
        return HELPERS[name]
    return next((model for model in HELPERS.values() if model.source == name), None)


def choose(kind: Kind, name: str) -> Model | None:
    """The helper that a host means.

    name: "auto" for the first of the catalogue that was pulled; "none" or empty for none; else a
    catalogue key, a hub id or a folder, whether it is here or not.
    Raises UnknownModel for what is no name of a helper of this kind.
    """
    name = name.strip()
    if name == AUTO:
        known = [model for model in HELPERS.values() if kind in model.kinds]
        return next((model for model in known if here(model) is not None), None)
    if name in ("", NONE):
        return None
    if (model := listed(name)) is None:
        model = described(catalogue.find(name))
    if kind not in model.kinds and here(model) is not None:
        raise UnknownModel(f"{model.name} is no model for this ({kind}).")
    return msgspec.structs.replace(model, kinds=(kind,)) if kind not in model.kinds else model


def folders(kind: Kind) -> list[Path]:
    """Those of all helpers of the catalogue for something that were pulled."""
    known = (model for model in HELPERS.values() if kind in model.kinds)
    return [folder for model in known if (folder := here(model)) is not None]


def here(model: Model) -> Path | None:
    """The folder of a helper, if it is on this machine whole."""
    if model.local:
        folder = Path(model.source)
        return folder if (folder / parts.CONFIG).is_file() else None
    try:
        pulled = hub.here(model)
    except ImportError:
        return None  # easel[paint] is not installed
    return None if pulled is None else pulled.folder


def described(model: Model) -> Model:
    """A model that is not in the catalogue, with what its own files say of it."""
    folder = here(model)
    if folder is None:
        return model
    own = (parts.document(folder / "easel.json") or {}) if model.local else {}
    kinds = kinds_of(parts.document(folder / parts.CONFIG) or {})
    if (folder / parts.INDEX).is_file() or not kinds:
        return model
    labels = own.get("labels", {})
    try:
        given = {"kinds": kinds, "labels": labels, "name": own.get("name", model.name)}
        return msgspec.convert({**msgspec.to_builtins(model), **given}, Model)
    except msgspec.ValidationError:
        return msgspec.structs.replace(model, kinds=kinds)


def kinds_of(config: dict[str, Any]) -> tuple[Kind, ...]:
    """What a transformers model can do, by its `config.json`."""
    if config.get("_class_name") == tiny.CLASS:
        return ("preview",)
    names = config.get("architectures")
    name = str(names[0]) if isinstance(names, list) and names else ""
    if name.endswith("ForImageClassification"):
        return ("safety",)
    if name == "Swin2SRForImageSuperResolution":
        return ("upscaling",)
    if name in ("CLIPModel", "SiglipModel", "Siglip2Model"):
        return ("recognition",)
    if "vision_config" in config and name.endswith(("ForConditionalGeneration", "ForVision2Seq")):
        return ("description", "language") if "florence" not in name.lower() else ("description",)
    return ("language",) if name.endswith(("ForCausalLM", "LMHeadModel")) else ()


def weights(model: Model, labels: list[str]) -> dict[str, float]:
    """How much each of a classifier's labels counts; empty if nothing is known of any."""
    wanted = {name.lower(): weight for name, weight in (model.labels or _USUAL_LABELS).items()}
    return {label: wanted[label.lower()] for label in labels if label.lower() in wanted}
