"""What a picture shows: a small model that was trained on pictures and their captions compares it
with the concepts that we know (`generation.concepts`).

Two things come of it: words of the few concepts that stand out, and a sketch of how near the
picture is to all of them (`SKETCH_BITS`), by which two pictures are compared.

A concept counts where it stands out twice: the picture is more like it than pictures of nothing
are (grey, noise, a gradient: some words are near to everything), and it is clearly likelier than
the others of its group. So most pictures show a handful, and one that fits nothing shows nothing.

The sketch is the picture's embedding as the concepts see it: its likeness to each, less what
pictures of nothing have of it and less the mean of the group, and of that on which side of random
hyperplanes it lies (Charikar 2002). Of two pictures about the share angle / π of the bits differs.
An embedding knows faces as well; the concepts are about things and manners, and what is across to
all of them is not in it.

Such a model is a guess about things and manners, made here, for a feed that one chose oneself:
nothing is judged by it, and nothing of it is told as a fact.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from generation import concepts
from generation.catalogue import Model
from generation.concepts import CONCEPTS, Group

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

TEXTS = 64  # captions that are read at once
LONGEST = 77  # tokens; of captions as ours a dozen are used
SIDE = 64  # pixels of pictures of nothing
# From which chance on, among those of its group, and at most how many. Two things may share a
# picture, and so may two manners; of three moods none is clear.
LEAST: dict[Group, float] = {
    "subject": 0.2, "place": 0.25, "medium": 0.2, "light": 0.25, "mood": 0.3,
}  # fmt: skip
MOST: dict[Group, int] = {"subject": 2, "place": 2, "medium": 2, "light": 1, "mood": 1}
MOST_OF_ALL = sum(MOST.values())
SKETCH_BITS = 256
SKETCH_BYTES = SKETCH_BITS // 8


class Sight(NamedTuple):
    """What is seen in a picture.

    words: of concepts, the clearest first. sketch: `SKETCH_BYTES` bytes; empty: none. Those by one
    and the same model can be compared: the fewer bits differ, the more alike the pictures.
    """

    words: tuple[str, ...] = ()
    sketch: bytes = b""


class Recogniser:
    """A loaded model. Not safe for two threads at once."""

    def __init__(self, helper: Model, model: Any, tokenizer: Any, processor: Any) -> None:
        self._helper = helper
        self._model = model
        self._processor = processor
        self._scale = float(model.logit_scale.detach().exp())
        self._captions = self._read(tokenizer, [concept.prompt for concept in CONCEPTS])
        self._usual = (self._look(nothing()) @ self._captions.T).mean(0)
        self._groups = {
            group: [place for place, one in enumerate(CONCEPTS) if one.group == group]
            for group in LEAST
        }
        self._planes = _planes()

    @classmethod
    def load(
        cls, helper: Model, folder: Path, device: torch.device, dtype: torch.dtype
    ) -> Recogniser:
        """Loads one from its folder. Raises ValueError for a model that compares no pictures with
        words, and what transformers raises."""
        from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

        model = AutoModel.from_pretrained(
            folder,
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
        if not all(hasattr(model, name) for name in ("get_text_features", "get_image_features")):
            raise ValueError(f"{helper.name} does not compare pictures with words")
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        return cls(helper, model.to(device).eval(), tokenizer, processor)

    def see(self, images: Sequence[Image]) -> list[Sight]:
        """What each of some pictures shows.

        Raises ValueError where the model makes no numbers of one.
        """
        import torch

        likeness = self._look(images) @ self._captions.T - self._usual
        if not bool(torch.isfinite(likeness).all()):
            raise ValueError(f"{self._helper.name} made no numbers of a picture")
        sketches = self._sketches(likeness)
        return [
            Sight(self._clear(row), sketch) for row, sketch in zip(likeness, sketches, strict=True)
        ]

    def _sketches(self, likeness: torch.Tensor) -> list[bytes]:
        import numpy as np

        centred = likeness.clone()
        for places in self._groups.values():
            centred[:, places] -= centred[:, places].mean(dim=1, keepdim=True)
        sides = (centred @ self._planes > 0).numpy()
        return [row.tobytes() for row in np.packbits(sides, axis=1)]

    def _clear(self, likeness: torch.Tensor) -> tuple[str, ...]:
        found: list[tuple[float, str]] = []
        for group, places in self._groups.items():
            near = likeness[places]
            chances = (self._scale * near).softmax(-1)
            best = sorted(
                ((float(chance), place) for chance, place in zip(chances, places, strict=True)),
                reverse=True,
            )[: MOST[group]]
            found += [
                (chance, CONCEPTS[place].words)
                for chance, place in best
                if chance >= LEAST[group] and likeness[place] > 0
            ]
        return tuple(words for _, words in sorted(found, reverse=True))

    def _look(self, images: Sequence[Image]) -> torch.Tensor:
        import torch

        rgb = [image.convert("RGB") for image in images]
        pixels = self._processor(images=rgb, return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            said = self._model.get_image_features(
                pixel_values=pixels.to(self._model.device, self._model.dtype)
            )
        return _directions(said)

    def _read(self, tokenizer: Any, captions: Sequence[str]) -> torch.Tensor:
        import torch

        longest = min(LONGEST, self._model.config.text_config.max_position_embeddings)
        read = []
        for start in range(0, len(captions), TEXTS):
            # Padded to the full length: SigLIP was trained on nothing else.
            given = tokenizer(
                list(captions[start : start + TEXTS]),
                padding="max_length",
                max_length=longest,
                truncation=True,
                return_tensors="pt",
            ).to(self._model.device)
            with torch.inference_mode():
                said = self._model.get_text_features(
                    input_ids=given["input_ids"], attention_mask=given.get("attention_mask")
                )
            read.append(_directions(said))
        return torch.cat(read)


def known(words: Sequence[str]) -> tuple[str, ...]:
    """Those of some words that are concepts here, once each, at most `MOST_OF_ALL`."""
    found = [one for one in dict.fromkeys(words) if one in concepts.BY_WORDS]
    return tuple(found[:MOST_OF_ALL])


def sketch(said: str) -> bytes:
    """A sketch as a painter says it, in hexadecimal; empty if it is none."""
    try:
        read = bytes.fromhex(said) if len(said) == 2 * SKETCH_BYTES else b""
    except ValueError:
        return b""
    return read if len(read) == SKETCH_BYTES else b""


def _planes() -> torch.Tensor:
    """The hyperplanes, concepts × `SKETCH_BITS`. Each concept's part comes from its words: the list
    may be put in another order, and one more changes sketches a little."""
    import numpy as np
    import torch

    drawn = [hashlib.sha256(one.words.encode()).digest() for one in CONCEPTS]
    bits = np.unpackbits(np.frombuffer(b"".join(drawn), np.uint8)).reshape(len(drawn), SKETCH_BITS)
    return torch.from_numpy(bits.astype(np.float32) * 2 - 1)


def _directions(said: Any) -> torch.Tensor:
    """What a model says of pictures or texts, as vectors of length 1 on the processor."""
    vectors = getattr(said, "pooler_output", said).float().cpu()
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12)  # type: ignore[no-any-return]


def nothing() -> list[Image]:
    """Pictures without content: what a concept is like anyway shows on these."""
    from PIL import Image, ImageFilter

    size = (SIDE, SIDE)
    greys = [Image.new("RGB", size, (level,) * 3) for level in (0, 96, 160, 255)]
    ramp = Image.linear_gradient("L").resize(size).convert("RGB")
    grain = random.Random(SIDE).randbytes(SIDE * SIDE)  # always the same
    noise = Image.frombytes("L", size, grain).convert("RGB")
    return [*greys, ramp, ramp.rotate(90), noise, noise.filter(ImageFilter.GaussianBlur(4))]
