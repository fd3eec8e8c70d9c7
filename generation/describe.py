"""Alt text from a picture: what a small vision-language model sees in it.

It is shown the picture alone, never the prompt: what it says is what is there, and tells nothing
that the author keeps to themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation import chat, languages, parts
from generation.catalogue import Model
from generation.chat import Chat
from generation.shelf import Load

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

MAX_LENGTH = 250  # characters; what a screen reader says in a breath or two
LEAST_LETTERS = 0.6  # the share of letters and spaces in a sentence
MOST_TOKENS = 160  # of any language that takes two tokens for three characters, and some to spare

# Screen readers say that it is a picture before they read its description.
_OPENING = re.compile(
    r"""^\W*(?:
        (?:in\ )?(?:this|the|an?)\ (?:\w+\ ){0,2}?
        (?:image|picture|photo(?:graph)?|illustration|painting|drawing|scene|artwork)
        (?:\ (?:shows|depicts|features|displays|presents|captures|portrays|contains|is|has)
            (?:\ (?:of|an?\ (?:image|picture|photo)\ of))?
          |\ of|\ showing|\ depicting|\ we\ (?:can\ )?see|,?\ there\ (?:is|are))
      | (?:image|picture|photo(?:graph)?)\ (?:of|showing)
      | (?:das|dieses)\ bild\ zeigt | auf\ dem\ bild\ (?:ist|sieht\ man) | ein\ bild\ von
      | (?:l[’']|cette\ )image\ (?:montre|représente) | une\ image\ (?:de|d[’'])
      | la\ imagen\ muestra | una\ imagen\ de
    )\s+""",
    re.IGNORECASE | re.VERBOSE,
)
_UNWRITTEN = re.compile("[*\x00-\x1f\x7f-\x9f\ufffd]")  # bold type, controls, broken letters
_SYSTEM = (
    "You describe pictures for people who cannot see them. Say what is to be seen, the most "
    "important first, in one or two plain sentences of at most {length} characters. Do not begin "
    "with “image of” or “picture of”. Do not guess at names or feelings. Answer with the "
    "description only{language}."
)
_TASK = "<DETAILED_CAPTION>"  # Florence-2's


class Florence:
    """A loaded Florence-2, which knows tasks rather than words, and English only. Not safe for two
    threads at once."""

    def __init__(self, model: Any, processor: Any) -> None:
        self._model = model
        self._processor = processor

    @classmethod
    def load(
        cls, helper: Model, folder: Path, device: torch.device, dtype: torch.dtype
    ) -> Florence:
        """Loads one from its folder. Raises what transformers raises."""
        from transformers import AutoProcessor, Florence2ForConditionalGeneration

        model: Any = Florence2ForConditionalGeneration.from_pretrained(
            folder, dtype=dtype, local_files_only=True, use_safetensors=True
        )
        processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
        return cls(model.to(device).eval(), processor)

    def caption(self, image: Image) -> str:
        """What the model sees."""
        image = chat.small(image)
        given = self._processor(text=_TASK, images=image, return_tensors="pt")
        made = chat.generate(self._model, given, most=MOST_TOKENS, num_beams=3)
        return str(self._processor.batch_decode(made, skip_special_tokens=True)[0])


def loader(folder: Path) -> Load[Chat | Florence]:
    """What loads the model in a folder, for the shelf."""
    config = parts.document(folder / parts.CONFIG) or {}
    return Florence.load if config.get("model_type") == "florence2" else Chat.load


def describe(
    model: Chat | Florence,
    image: Image,
    language: str = "",
    stop: Callable[[], bool] | None = None,
) -> str:
    """Alt text of at most `MAX_LENGTH` characters; empty if the model said nothing of use.

    language: a BCP 47 tag, or empty for English; Florence-2 knows no other. stop: is asked before
    each token; Florence-2 is quick, and asks nobody.
    Raises ValueError for a model that sees nothing, and `chat.Stopped`.
    """
    if isinstance(model, Florence):
        return cleaned(model.caption(image))
    if not model.sees:
        raise ValueError("this model cannot be shown pictures")
    name = languages.name(language)
    system = _SYSTEM.format(length=MAX_LENGTH, language=f", in {name}" if name else "")
    said = model.answer(system, "Describe this.", image=image, most=MOST_TOKENS, stop=stop)
    return cleaned(said)


def cleaned(said: str) -> str:
    """What a model said, as alt text: one line, no “image of”, cut at the end of a sentence or at
    least of a word."""
    text = " ".join(_UNWRITTEN.sub(" ", said).split()).strip("\"'“”„« »")
    opened = _OPENING.sub("", text)
    if opened != text and opened:
        text = opened[0].upper() + opened[1:]
    letters = sum(sign.isalpha() or sign == " " for sign in text)
    # What is mostly no letters is nothing that anybody should be read aloud.
    if letters <= LEAST_LETTERS * (len(text) + len(_UNWRITTEN.findall(said))):
        return ""
    return _cut(text) if len(text) > MAX_LENGTH else text


def _cut(text: str) -> str:
    head = text[:MAX_LENGTH]
    end = max(head.rfind(sign) for sign in (". ", "! ", "? ", "。", "！", "？"))
    if end >= MAX_LENGTH // 3:
        return head[: end + 1].rstrip()
    head = head[: MAX_LENGTH - 1]
    return (head[: head.rfind(" ")] if " " in head else head).rstrip(" ,;:") + "…"
