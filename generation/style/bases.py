"""Which models can learn a style, said before anything of them is loaded."""

from __future__ import annotations

from pathlib import Path

from generation import catalogue, families, parts
from generation.catalogue import Model
from generation.parts import Unusable

UNETS = ("StableDiffusionPipeline", "StableDiffusionXLPipeline")
FLOWS = ("FluxPipeline", "Flux2KleinPipeline", "ZImagePipeline", "QwenImagePipeline")
PREDICTIONS = ("epsilon", "v_prediction", "flow_prediction")  # of a UNet
MAX_SIDE = 1024  # of the resolution that is taken by itself: larger ones are for the largest cards
_CONFIG = "scheduler_config.json"


def find(name: str) -> Model:
    """The model that learns where a style is for this one: of one that is another with an adapter,
    as those for few steps are, the other. What fits that fits both.

    Raises Unusable for one that is known to learn nothing, catalogue.UnknownModel.
    """
    model = catalogue.find(name)
    if model.adapter is not None:
        model = catalogue.find(model.source)
    family = families.FAMILIES.get(model.family)
    if family is not None and not _known(family.pipelines):
        raise _refused(model, f"models of the family {family.name}")
    return model


def check(model: Model, folder: Path) -> str:
    """The class of a model's pipeline. Raises Unusable if no style can be learned for it."""
    pipeline = str((parts.document(folder / parts.INDEX) or {}).get("_class_name"))
    if not _known((pipeline,)):
        raise _refused(model, f"a {pipeline}")
    if pipeline in UNETS:
        config = parts.document(folder / "scheduler" / _CONFIG) or {}
        predicts = config.get("prediction_type", PREDICTIONS[0])
        if predicts not in PREDICTIONS:
            raise _refused(model, f"a model that predicts {predicts}")
    return pipeline


def resolution(model: Model) -> int:
    """The side of the pictures, in pixels, if nobody says."""
    return min(model.width or MAX_SIDE, MAX_SIDE)


def multiple(model: Model, pipeline: str) -> int:
    """Of how many pixels the sides of a picture must be multiples."""
    # A UNet halves its latents three times, and what it halves should be even.
    return max(model.multiple, 64 if pipeline in UNETS else 16)


def _known(pipelines: tuple[str, ...]) -> bool:
    return any(pipeline in UNETS + FLOWS for pipeline in pipelines)


def _refused(model: Model, what: str) -> Unusable:
    able = ("stable-diffusion", "stable-diffusion-xl", "flux", "flux2-klein", "z-image")
    return Unusable(
        f"No style can be learned for {model.name}: Easel cannot train {what}, only those of "
        f"{', '.join(able)} and qwen-image."
    )
