"""A small model that answers in words, with or without a picture to look at.

What people wrote is given to it as data: control tokens in it are read as plain text, so that
nobody can end their own message and begin the system's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation.catalogue import Model

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

MAX_SIDE = 768  # pixels of a picture that is shown to a model: more are more tokens, not more sense
_THOUGHT = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)  # of models that cannot be stopped


class Stopped(Exception):
    """Nobody waits for the answer any more."""


class Chat:
    """A loaded language model, or vision-language model. Not safe for two threads at once.

    sees: whether it can be shown pictures.
    """

    def __init__(self, model: Any, processor: Any, *, sees: bool) -> None:
        self._model = model
        self._processor = processor  # a tokenizer, where it does not see
        self.sees = sees

    @classmethod
    def load(cls, helper: Model, folder: Path, device: torch.device, dtype: torch.dtype) -> Chat:
        """Loads one from its folder. Raises what transformers raises."""
        from transformers import (
            AutoConfig,
            AutoModelForCausalLM,
            AutoModelForImageTextToText,
            AutoTokenizer,
        )
        from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        sees = type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        kind = AutoModelForImageTextToText if sees else AutoModelForCausalLM
        model = kind.from_pretrained(
            folder,
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
        if sees:
            processor = _processor(folder, config)
        else:
            processor = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
        return cls(model.to(device).eval(), processor, sees=sees)

    def answer(
        self,
        system: str,
        user: str,
        *,
        image: Image | None = None,
        most: int,
        temperature: float = 0.0,
        stop: Callable[[], bool] | None = None,
    ) -> str:
        """What the model says, without thinking aloud first.

        user: may be what somebody wrote. image: for models that see. most: tokens of the answer.
        temperature: 0 always says the likeliest. stop: is asked before each token.
        Raises Stopped once `stop` says so, and what transformers raises.
        """
        content: list[dict[str, Any]] = [{"type": "text", "text": user}]
        if image is not None:
            content.insert(0, {"type": "image", "image": small(image)})
        given = self._processor.apply_chat_template(
            [
                {"role": "system", "content": self._content(system)},
                {"role": "user", "content": content if self.sees else user},
            ],
            add_generation_prompt=True,
            enable_thinking=False,
            sanitize_control_tokens=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        tokenizer = getattr(self._processor, "tokenizer", self._processor)
        length = given["input_ids"].shape[1]
        said = generate(self._model, given, most=most, temperature=temperature, stop=stop)
        return _THOUGHT.sub(
            "", tokenizer.decode(said[0, length:], skip_special_tokens=True)
        ).strip()

    def _content(self, text: str) -> Any:
        return [{"type": "text", "text": text}] if self.sees else text


def small(image: Image) -> Image:
    """A picture no larger than models need it."""
    image = image.convert("RGB")
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    return image


def generate(
    model: Any,
    given: Any,
    *,
    most: int,
    temperature: float = 0.0,
    stop: Callable[[], bool] | None = None,
    **options: Any,
) -> Any:
    """The tokens that a model makes of its input. Raises Stopped."""
    import torch

    stopped = False

    def over(ids: Any, scores: Any, **_: Any) -> Any:
        nonlocal stopped
        stopped = stopped or (stop is not None and stop())
        return torch.full((ids.shape[0],), stopped, dtype=torch.bool, device=ids.device)

    moved = {
        name: value.to(model.device, model.dtype) if value.is_floating_point()
        else value.to(model.device)
        for name, value in given.items()
    }  # fmt: skip
    if temperature > 0:
        options |= {"do_sample": True, "temperature": temperature, "top_p": 0.9}
    else:
        options |= {"do_sample": False}
    with torch.inference_mode():
        made = model.generate(**moved, max_new_tokens=most, stopping_criteria=[over], **options)
    if stopped:
        raise Stopped
    return made


def _processor(folder: Path, config: Any) -> Any:
    """What makes a vision-language model's input. Where torchvision is not installed, those that
    could also read films are put together without that part, as nothing here is a film."""
    from transformers import AutoImageProcessor, AutoProcessor, AutoTokenizer
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

    try:
        return AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except ImportError:
        pass
    kind: Any = PROCESSOR_MAPPING[type(config)]

    class Stills(kind):  # type: ignore[misc]  # known only here
        def check_argument_for_proper_class(self, name: str, part: Any) -> Any:
            return part if part is None else super().check_argument_for_proper_class(name, part)

    tokenizer = AutoTokenizer.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
    template = folder / "chat_template.jinja"
    return Stills(
        image_processor=AutoImageProcessor.from_pretrained(folder, local_files_only=True),
        tokenizer=tokenizer,
        chat_template=template.read_text() if template.is_file() else tokenizer.chat_template,
    )
