"""Who should see a finished picture: a local image classifier scores it, the host decides.

A classifier is a hint. It never changes a picture, and it never makes one disappear.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation import helpers
from generation.catalogue import Model
from generation.protocol import Judgement

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image


class Classifier:
    """A loaded image classifier. Not safe for two threads at once."""

    def __init__(
        self, helper: Model, model: Any, processor: Any, weights: dict[str, float]
    ) -> None:
        self._helper = helper
        self._model = model
        self._processor = processor
        self._weights = weights

    @classmethod
    def load(
        cls, helper: Model, folder: Path, device: torch.device, dtype: torch.dtype
    ) -> Classifier:
        """Loads one from its folder. Raises ValueError if none of its labels says anything, and
        what transformers raises."""
        from transformers import AutoImageProcessor, AutoModelForImageClassification

        model = AutoModelForImageClassification.from_pretrained(
            folder,
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
        processor = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
        weights = helpers.weights(helper, list(model.config.id2label.values()))
        if not weights:
            raise ValueError(
                f"nothing is known of the labels of {helper.name}: "
                f"{', '.join(model.config.id2label.values())}"
            )
        return cls(helper, model.to(device).eval(), processor, weights)

    def judge(self, image: Image) -> Judgement:
        """Scores a picture: the sum of its labels' probabilities, each as much as it counts."""
        import torch

        pixels = self._processor(images=image.convert("RGB"), return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            logits = self._model(pixels.to(self._model.device, self._model.dtype)).logits[0]
        chances = logits.float().softmax(-1).tolist()
        labels = self._model.config.id2label
        scores = {labels[number]: round(chance, 4) for number, chance in enumerate(chances)}
        score = sum(self._weights.get(label, 0.0) * chance for label, chance in scores.items())
        if not math.isfinite(score):
            raise ValueError(f"{self._helper.name} made no number of the picture")
        return Judgement(score=round(min(1.0, score), 4), scores=scores, model=self._helper.name)
