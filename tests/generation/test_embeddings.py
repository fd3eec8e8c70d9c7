"""What a text encoder made of words is kept, and changes no pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from generation import catalogue
from generation.pipeline import Pipeline
from generation.recipe import Recipe
from tests.generation.conftest import FAMILIES

# diffusers 0.42 hands tensors to numpy 2.4 in a way that numpy will stop to accept.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CAT, DOG = Recipe(prompt="a red cat", seed=7), Recipe(prompt="two dogs, 猫", seed=8)
ENCODERS = {
    "CLIPTextModel",
    "CLIPTextModelWithProjection",
    "Ministral3ForCausalLM",
    "Mistral3Model",
    "Qwen2_5_VLForConditionalGeneration",
    "Qwen2_5_VLModel",
    "Qwen3Model",
    "T5EncoderModel",
}


@contextmanager
def counted() -> Iterator[list[str]]:
    """Each time that a text encoder reads something."""
    read: list[str] = []

    def before(module: torch.nn.Module, inputs: object) -> None:
        if type(module).__name__ in ENCODERS:
            read.append(type(module).__name__)

    handle = torch.nn.modules.module.register_module_forward_pre_hook(before)
    try:
        yield read
    finally:
        handle.remove()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_words_are_read_once_and_no_pixel_changes(
    family: str, folder_of: Callable[[str], Path]
) -> None:
    model = catalogue.find(str(folder_of(family)))
    keeping = Pipeline.load(model, device="cpu")
    forgetful = Pipeline.load(model, device="cpu", remembered=0)
    other_seed = Recipe(prompt=CAT.prompt, seed=99)
    with counted() as read:
        first = keeping.paint([CAT])[0]
        assert read
        del read[:]
        again, other = keeping.paint([CAT])[0], keeping.paint([other_seed])[0]
        beside = keeping.paint([CAT, other_seed])
        assert not read
        new = keeping.paint([DOG])[0]
        assert read
    assert first.png == again.png == forgetful.paint([CAT])[0].png
    assert other.png == forgetful.paint([other_seed])[0].png
    assert new.png == forgetful.paint([DOG])[0].png
    assert [painted.recipe.seed for painted in beside] == [7, 99]


@pytest.mark.parametrize("family", ["stable-diffusion", "stable-diffusion-xl", "z-image"])
def test_a_negative_prompt_is_part_of_what_was_said(
    family: str, folder_of: Callable[[str], Path]
) -> None:
    model = catalogue.find(str(folder_of(family)))
    keeping = Pipeline.load(model, device="cpu")
    forgetful = Pipeline.load(model, device="cpu", remembered=0)
    for recipe in (
        CAT,
        Recipe(prompt=CAT.prompt, seed=7, negative_prompt="moon"),
        Recipe(prompt=CAT.prompt, seed=7, negative_prompt="sun"),
        Recipe(prompt=CAT.prompt, seed=7, guidance=1.0),
        CAT,
    ):
        assert keeping.paint([recipe])[0].png == forgetful.paint([recipe])[0].png


def test_the_words_used_least_lately_are_forgotten_first(folder_of: Callable[[str], Path]) -> None:
    model = catalogue.find(str(folder_of("flux")))
    one = 520 * 32 * 4  # bytes of a prompt: 512 rows of 32 numbers, and some
    pipeline = Pipeline.load(model, device="cpu", remembered=2 * one + 20_000)
    with counted() as read:

        def reads(prompt: str) -> bool:
            del read[:]
            pipeline.paint([Recipe(prompt=prompt, seed=1, steps=1)])
            return bool(read)

        assert reads("a") and reads("b") and not reads("a")
        assert reads("c")  # “b” goes
        assert not reads("a") and reads("b")


def test_a_lora_is_another_reader(folder_of: Callable[[str], Path]) -> None:
    """While one is loaded nothing is kept: it may have changed how words are read."""
    import diffusers
    from peft import LoraConfig

    from generation.embeddings import Embeddings

    pipe = diffusers.DiffusionPipeline.from_pretrained(
        folder_of("stable-diffusion"), local_files_only=True
    )
    Embeddings().attach(pipe)

    def read() -> bool:
        with counted() as heard:
            pipe.encode_prompt(["a"], torch.device("cpu"), 1, False)
        return bool(heard)

    assert read() and not read()
    pipe.text_encoder.add_adapter(LoraConfig(r=2, target_modules=["q_proj"]))
    assert read() and read()
