"""Learning a style: pictures in, a LoRA out.

Only the adapter learns; the model stays as it is, in the precision of the device, and the adapter
computes in float32. It can stop after any step, be killed at any moment, and go on later.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import torch

from generation import devices, families, loading, memory
from generation.catalogue import Model
from generation.errors import PaintError, Stopped, plainly
from generation.lora_files import Record
from generation.style import bases, brief, card, keeping, sampling, ways
from generation.style.brief import Brief, Learned, Picture
from generation.style.checkpoint import Standing
from generation.style.computed import Computed
from generation.style.ways import Way

WARM_PERCENT = 10  # of the steps, in which it begins to learn
MOST_WARM = 100  # steps
LEAST_RATE = 0.02  # of the rate, at the end
UNTOLD = 0.1  # of the captions are left out where the model paints away from the empty one
LONGEST_GRADIENT = 1.0
DECAY = 0.01  # of the weights

Tell = Callable[[dict[str, Any]], None]


def train(folder: Path, tell: Tell, asked_to_stop: Callable[[], bool]) -> Record:
    """Learns the style of a training's folder, and puts it where LoRAs are.

    folder: with a brief and the pictures it names. tell: hears what is done: `{"note": …}` in
    words, `{"step", "of", "loss"}` after each step, `{"sample": …}` for each sample's file.
    asked_to_stop: is asked after each step.
    Raises Stopped where it was asked to stop and can go on; PaintError, Unusable,
    catalogue.UnknownModel.
    """
    asked = brief.read(folder)
    model = bases.find(asked.model)
    device, precision = devices.choose(asked.device)
    files = loading.find(model, lambda note: tell({"note": note}))
    pipeline = bases.check(model, files.folder)
    model = families.of_folder(model, files.folder)
    asked = msgspec.structs.replace(asked, resolution=asked.resolution or bases.resolution(model))
    tell({"note": f"Loading {model.name}."})
    loading.quieten()
    pipe = loading.read(model, files, precision)
    if device.type == "cpu":
        devices.limit_threads(loading.weights(pipe))
    with plainly(model):
        learning = _Learning(folder, asked, model, ways.of(pipe, pipeline, device), tell)
        learning.prepare(
            Computed(
                folder / "computed",
                files.version,
                precision,
                asked.resolution,
                bases.multiple(model, pipeline),
            ),
            asked_to_stop,
        )
        learning.run(asked_to_stop)
        return learning.finish(precision)


class _Learning:
    """One training while it runs."""

    def __init__(self, folder: Path, asked: Brief, model: Model, way: Way, tell: Tell) -> None:
        self._folder = folder
        self._brief = asked
        self._model = model
        self._way = way
        self._tell = tell
        self._samples: list[str] = []

    def prepare(self, computed: Computed, asked_to_stop: Callable[[], bool]) -> None:
        """Computes what is computed once, lets go of what made it, and sets the adapter up."""
        self._computed = computed
        pictures = [self._file(picture) for picture in self._brief.pictures]
        texts = sorted({"", *map(self._caption, self._brief.pictures), *self._brief.samples})
        pipe, device = self._way.pipe, self._way.device
        if computed.missing(pictures, texts):
            self._tell({"note": f"Looking at {len(pictures)} pictures."})
            precision = pipe.vae.dtype
            pipe.vae.to(device, torch.float32)  # that of XL overflows in half precision
            for picture in pictures:
                computed.compute_latents(picture, self._way)
                _stop_if(asked_to_stop)
            pipe.vae.to(precision)
            encoders = [part for name in ways.ENCODERS if (part := getattr(pipe, name, None))]
            for encoder in encoders:
                encoder.to(device)
            for text in texts:
                computed.compute_words(text, self._way)
                _stop_if(asked_to_stop)
            del encoders
        for name in ways.ENCODERS:
            if getattr(pipe, name, None) is not None:
                setattr(pipe, name, None)
        memory.release()
        pipe.vae.to(device)
        self._adapt()

    def run(self, asked_to_stop: Callable[[], bool]) -> None:
        """Takes the steps that are left. Raises Stopped."""
        standing, asked = self._standing, self._brief
        kept_at = standing.step
        while standing.step < asked.steps:
            if asked_to_stop():
                standing.save()
                raise Stopped
            loss = self._step(standing.step)
            standing.step += 1
            standing.recent.append(loss)
            self._tell({"step": standing.step, "of": asked.steps, "loss": round(loss, 6)})
            if standing.step % asked.keep_every == 0:
                standing.save()
                kept_at = standing.step
            if standing.step % asked.sample_every == 0 or standing.step == asked.steps:
                self._sample()
        if kept_at != standing.step:
            standing.save()

    def finish(self, precision: torch.dtype) -> Record:
        """Puts the LoRA with its card and its samples where LoRAs are, and clears up."""
        asked, standing = self._brief, self._standing
        done = self._folder / "done"
        self._save(done, precision)
        last = sampling.last(self._folder, asked)
        for path in last:
            brief.replace(done / "samples" / path.name, path.read_bytes())
        loss = sum(standing.recent) / max(1, len(standing.recent))
        # The words of prompts that their authors may not have shared have done their work.
        sources = tuple(msgspec.structs.replace(each, caption="") for each in asked.pictures)
        learned = Learned(
            brief=msgspec.structs.replace(asked, pictures=sources),
            base=self._model.source,
            loss=loss,
            samples=tuple(path.name for path in last),
        )
        brief.replace(done / brief.CARD, card.write(learned, self._model).encode())
        brief.replace(done / brief.LEARNED, msgspec.json.encode(learned))
        record = keeping.keep(done, asked.name, self._model)
        brief.give_up(asked.name)
        return record

    def _adapt(self) -> None:
        from diffusers.training_utils import cast_training_params
        from peft import LoraConfig

        denoiser, device = self._way.denoiser, self._way.device
        denoiser.requires_grad_(False)
        denoiser.to(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._brief.seed)
            denoiser.add_adapter(
                LoraConfig(
                    r=self._brief.rank,
                    lora_alpha=self._brief.rank,
                    init_lora_weights="gaussian",
                    target_modules=_layers(denoiser),
                )
            )
        cast_training_params(denoiser)
        if device.type != "cpu":  # a third slower, and a fraction of the memory
            denoiser.enable_gradient_checkpointing()
        self._learned = [weights for weights in denoiser.parameters() if weights.requires_grad]
        self._optimiser = torch.optim.AdamW(
            self._learned, self._brief.rate, weight_decay=DECAY, foreach=device.type != "cpu"
        )
        self._standing = Standing(self._folder, denoiser, self._optimiser)
        if self._standing.step:
            self._tell({"note": f"Going on from step {self._standing.step}."})

    def _step(self, step: int) -> float:
        asked = self._brief
        for group in self._optimiser.param_groups:
            group["lr"] = asked.rate * share_of_rate(step, asked.steps)
        loss = 0.0
        for number in range(step * asked.batch, (step + 1) * asked.batch):
            chance = torch.Generator().manual_seed(_seed(asked.seed, number))
            picture = asked.pictures[nth(number, len(asked.pictures), asked.seed)]
            error = self._error(picture, chance) / asked.batch
            torch.autograd.backward(error)
            loss += error.item()
        if not math.isfinite(loss):
            raise PaintError(
                f"The training went astray at step {step + 1}: its numbers overflowed. "
                "A lower --rate may help."
            )
        torch.nn.utils.clip_grad_norm_(self._learned, LONGEST_GRADIENT)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        return loss

    def _error(self, picture: Picture, chance: torch.Generator) -> torch.Tensor:
        way = self._way
        latents = self._computed.latents(self._file(picture)).to(way.device)
        untold = way.contrasts and torch.rand(1, generator=chance).item() < UNTOLD
        words = self._computed.words("" if untold else self._caption(picture))
        words = {name: value.to(way.device) for name, value in words.items()}
        noise = torch.randn(latents.shape, generator=chance).to(way.device)
        with self._half():
            return way.error(latents, noise, words, chance)

    def _sample(self) -> None:
        standing = self._standing
        for path in sampling.paint(
            self._way, self._model, self._brief, self._computed, self._folder, standing.step,
            self._half,
        ):  # fmt: skip
            self._tell({"sample": str(path)})

    def _half(self) -> Any:
        """Where the adapter's float32 meets a model in half precision."""
        precision = self._way.pipe.vae.dtype
        half = precision != torch.float32
        return torch.autocast(self._way.device.type, precision if half else None, enabled=half)

    def _save(self, folder: Path, precision: torch.dtype) -> None:
        from diffusers.utils import convert_state_dict_to_diffusers
        from peft.utils import get_peft_model_state_dict

        way = self._way
        layers = get_peft_model_state_dict(way.denoiser)
        if way.denoiser_name == "unet":
            layers = convert_state_dict_to_diffusers(layers)
        layers = {name: weights.detach().cpu().to(precision) for name, weights in layers.items()}
        way.pipe.save_lora_weights(
            folder, weight_name=brief.WEIGHTS, **{f"{way.denoiser_name}_lora_layers": layers}
        )

    def _file(self, picture: Picture) -> Path:
        return self._folder / "pictures" / picture.file

    def _caption(self, picture: Picture) -> str:
        return caption(self._brief, picture)


def caption(asked: Brief, picture: Picture) -> str:
    """The words that a picture is learned with."""
    return ", ".join(filter(None, (asked.trigger, picture.caption)))


def nth(number: int, pictures: int, seed: int) -> int:
    """Which picture the n-th look is at: all of them in turn, in another order each time."""
    turn, place = divmod(number, pictures)
    chance = torch.Generator().manual_seed(_seed(seed, turn) ^ 1)
    return int(torch.randperm(pictures, generator=chance)[place])


def share_of_rate(step: int, steps: int) -> float:
    """Of the learning rate at a step: a short rise, then half a cosine down."""
    warm = max(1, min(MOST_WARM, steps * WARM_PERCENT // 100))
    along = 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))
    return min(1.0, (step + 1) / warm) * (LEAST_RATE + (1 - LEAST_RATE) * along)


def _layers(denoiser: Any) -> list[str]:
    """The layers of a network that learn. Raises PaintError if it has none that can."""
    found = [
        name
        for name, module in denoiser.named_modules()
        if isinstance(module, torch.nn.Linear)
        and any(name.endswith(f".{layer}") for layer in ways.LAYERS)
    ]
    if not found:
        raise PaintError("This model has no attention that could learn.")
    return found


def _seed(seed: int, number: int) -> int:
    """A seed for each of many draws: neighbours share nothing."""
    return (seed * 0x9E3779B97F4A7C15 + number * 0xBF58476D1CE4E5B9) % 2**63


def _stop_if(asked_to_stop: Callable[[], bool]) -> None:
    if asked_to_stop():
        raise Stopped  # what was computed is kept
