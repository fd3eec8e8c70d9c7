"""What `easel doctor` says of the models that paint here and that help."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from fedi.settings import Settings
from generation.catalogue import Kind, Model


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        subject: what it is about.
        state: `ok`, `warning` (it works, but) or `problem`.
        message: one plain sentence; says what to mend, if there is something.
    """

    subject: str
    state: str
    message: str


def check_model(settings: Settings) -> Finding:
    """The model, as far as this machine can tell: nothing is asked of the hub."""
    from generation import catalogue

    name = settings.painting.model
    if not name:
        return Finding(
            "model",
            "warning",
            "None is chosen: the starter paints, which is for trying things out. Set "
            "painting.model, for example to flux2-klein-4b.",
        )
    try:
        model = catalogue.find(name)
    except catalogue.UnknownModel as error:
        return Finding("model", "problem", f"{error}. Mend painting.model.")
    if model.local and not Path(model.source).is_dir():
        return Finding(
            "model", "problem", f"There is no folder {model.source}: mend painting.model."
        )
    if model.local and not (Path(model.source) / "model_index.json").is_file():
        return Finding(
            "model",
            "problem",
            f"{model.source} has no model_index.json: it is no diffusers folder.",
        )
    told = f"{model.name} ({model.licence or 'licence unknown'})."
    if model.key != catalogue.STARTER.key and not model.local and not _is_here(model):
        told += f" It is fetched for the first picture; `easel models pull {name}` does it now."
    return Finding("model", "ok", told)


def check_precision(settings: Settings) -> list[Finding]:
    """Whether numbers of 8 bits can be had, where they are wanted."""
    if not settings.painting.fp8 or find_spec("torchao") is not None:
        return []
    return [
        Finding(
            "precision",
            "warning",
            "painting.fp8 has no effect, because torchao is not installed: "
            "pip install -c constraints.txt 'easel[fp8]'.",
        )
    ]


def check_helpers(settings: Settings) -> list[Finding]:
    """The models that judge, describe, enlarge and recognise pictures, and help with words."""
    from generation import helpers

    safety, words = settings.safety, settings.words
    missing = (
        "None is here: only the words of a prompt decide what is marked or refused. "
        "`easel models pull nsfw-falconsai` fetches one."
    )
    return [
        _check_helper("classifier", "safety.classifier", "safety", safety.classifier, missing),
        _check_helper(
            "describer", "words.describer", "description", words.describer,
            "None is here: pictures that nobody describes get a sentence that says so. "
            f"`easel models pull {helpers.BOTH_USES}` fetches one.",
        ),
        _check_helper(
            "language", "words.language_model", "language", words.language_model,
            "No model is here: no prompts are proposed. "
            f"`easel models pull {helpers.BOTH_USES}` fetches one.",
        ),
        _check_helper(
            "upscaler", "painting.upscaler", "upscaling", settings.painting.upscaler,
            "None is here, not even the one that comes with Easel: pictures cannot be made larger. "
            "Install Easel again.",
        ),
        _check_helper(
            "recogniser", "painting.recogniser", "recognition", settings.painting.recogniser,
            "None is here: “For you” knows pictures by their makers, tags and prompts alone. "
            "`easel models pull clip-vit-b-32` fetches one.",
        ),
    ]  # fmt: skip


def _check_helper(subject: str, setting: str, kind: Kind, name: str, missing: str) -> Finding:
    from generation import catalogue, helpers

    if name == helpers.NONE:
        return Finding(subject, "ok", f"None is wanted: {setting} says so.")
    try:
        helper = helpers.choose(kind, name)
    except catalogue.UnknownModel as error:
        return Finding(subject, "problem", f"{str(error).rstrip('.')}. Mend {setting}.")
    if helper is None:
        return Finding(subject, "warning" if kind == "safety" else "ok", missing)
    if helpers.here(helper) is None:
        told = f"{helper.name} is not here: `easel models pull {name}` fetches it."
        return Finding(subject, "warning", told)
    if helper.needs and find_spec(helper.needs) is None:
        told = f"{helper.name} needs a package: pip install {helper.needs}."
        return Finding(subject, "problem", told)
    return Finding(subject, "ok", f"{helper.name} ({helper.licence or 'licence unknown'}).")


def _is_here(model: Model) -> bool:
    from generation import hub

    try:
        return hub.here(model) is not None
    except ImportError:
        return False  # the card's finding says that painting is not installed
