"""Pictures and captions to train and measure with: subject × colour × background × placement.

A scene is what is to be seen; `render` draws it and `caption` says it, each in many ways. All
randomness comes from the generator that is passed, so that a seed gives the same scene again.
"""

from __future__ import annotations

import colorsys
import random
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from generation.starter import backgrounds
from generation.starter.vocabulary import (
    BACKGROUNDS,
    COLOUR_WORDS,
    COLOURS,
    ENDINGS,
    OPENINGS,
    OTHER_WORDS,
    PLURALS,
    POSITIONS,
    SIZES,
    SUBJECTS,
)

SIDE = 256  # pixels
HELD_OUT = 10  # one combination in so many is never trained on

# How often a scene has each property.
COLOURED = 0.6
PLACED = 0.2
SIZED = 0.25
TWINS = 0.05
PAIRS = 0.07

_MEANT = {
    word
    for phrases in (
        *SUBJECTS.values(), *COLOUR_WORDS.values(), COLOURS,
        *(phrase for both in BACKGROUNDS.values() for phrase in both),
    )
    for phrase in phrases
    for word in phrase.split()
}  # fmt: skip
_MEANINGLESS = sorted({*OTHER_WORDS} - _MEANT)
FLOATING = ("underwater", "space")  # backgrounds without a ground to stand on
LEAST_CONTRAST = 0.2  # of lightness, between a drawing's median and its lightest and darkest
VARIANTS = 48  # of each background


@dataclass(frozen=True)
class Thing:
    """A subject and its colour; an empty colour is its natural one."""

    noun: str
    colour: str = ""


@dataclass(frozen=True)
class Scene:
    """What is to be seen.

    things: one, or two side by side, from left to right. twins: the one thing is there twice.
    position: "", "left" or "right", of a single thing. size: "", "small" or "large".
    """

    things: tuple[Thing, ...]
    background: str
    position: str = ""
    size: str = ""
    twins: bool = False

    def document(self) -> dict[str, Any]:
        """This scene as JSON-able builtins."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Scene:
        """Reads what `document` wrote."""
        things = tuple(Thing(**thing) for thing in document["things"])
        return cls(**{**document, "things": things})


def held_out(noun: str, colour: str, background: str) -> bool:
    """Whether that combination is kept for measuring and never trained on."""
    return zlib.crc32(f"{noun} {colour} {background}".encode()) % HELD_OUT == 0


def combinations() -> list[tuple[str, str, str]]:
    """All (noun, colour, background), the natural colour as an empty one."""
    return [
        (noun, colour, background)
        for noun in SUBJECTS
        for colour in ("", *COLOURS)
        for background in BACKGROUNDS
    ]


def draw_scene(chance: random.Random) -> Scene:
    """A scene to train on; no combination that is held out is in it."""
    while True:
        background = chance.choice(list(BACKGROUNDS))
        kind = chance.random()
        count = 2 if kind < PAIRS else 1
        nouns = chance.sample(list(SUBJECTS), count)
        coloured = COLOURED if count == 1 else COLOURED / 2
        things = tuple(
            Thing(noun, chance.choice(list(COLOURS)) if chance.random() < coloured else "")
            for noun in nouns
        )
        if any(held_out(thing.noun, thing.colour, background) for thing in things):
            continue
        twins = count == 1 and kind > 1 - TWINS
        alone = count == 1 and not twins
        return Scene(
            things,
            background,
            position=chance.choice(list(POSITIONS)) if alone and chance.random() < PLACED else "",
            size=chance.choice(list(SIZES)) if alone and chance.random() < SIZED else "",
            twins=twins,
        )


# -- words ------------------------------------------------------------------------------------


def caption(scene: Scene, chance: random.Random, *, background: bool = True) -> str:
    """One of many ways to say a scene. background: whether to say where it is."""
    after, alone = BACKGROUNDS[scene.background]
    if len(scene.things) == 2:
        left, right = (_named(thing, scene, chance) for thing in scene.things)
        what = chance.choice(
            (
                f"{left} and {right}",
                f"{left} next to {right}",
                f"{left} beside {right}",
                f"{left} to the left of {right}",
                f"{right} to the right of {left}",
                f"{left} on the left and {right} on the right",
            )
        )
        place = ""
    else:
        what = _named(scene.things[0], scene, chance)
        place = chance.choice(POSITIONS[scene.position]) if scene.position else ""
    form = chance.random() * 0.9 if background else 1.0
    if form < 0.5:
        words = f"{what} {chance.choice(after)}"
        words = (
            f"{words} {place}" if chance.random() < 0.5 else f"{what} {place} {words[len(what) :]}"
        )
    elif form < 0.65:
        words = f"{what}, {chance.choice(alone)}{', ' + place if place else ''}"
    elif form < 0.8:
        words = f"{chance.choice(alone)} with {what} {place}"
    elif form < 0.9:
        words = f"{chance.choice(after)}, {what} {place}"
    else:
        words = f"{what} {place}"  # any background will do
    if chance.random() < 0.25:
        words = f"{chance.choice(OPENINGS)} {words}"
    if chance.random() < 0.2:
        words = ", ".join([words, *chance.sample(ENDINGS, chance.randint(1, 2))])
    if chance.random() < 0.25:
        noise = " ".join(chance.sample(_MEANINGLESS, chance.randint(1, 5)))
        words = f"{words} {noise}" if chance.random() < 0.6 else f"{noise} {words}"
    return " ".join(words.split()).replace(" ,", ",")


def _named(thing: Thing, scene: Scene, chance: random.Random) -> str:
    def one_of(first: str, others: tuple[str, ...]) -> str:
        if not others or chance.random() < 0.6:
            return first
        return chance.choice(others)

    noun = one_of(thing.noun, SUBJECTS[thing.noun][1:])
    colour = one_of(thing.colour, COLOUR_WORDS.get(thing.colour, ())) if thing.colour else ""
    size = one_of(SIZES[scene.size][0], SIZES[scene.size][1:]) if scene.size else ""
    if scene.twins:
        amount = one_of("two", ("a pair of", "2"))
        return f"{amount} {colour} {PLURALS.get(noun, noun + 's')}"
    if colour and chance.random() < 0.08:
        return f"{_article(f'{size} {noun}')} that is {colour}"
    phrase = f"{size} {colour} {noun}"
    bare = chance.random() < 0.25
    return " ".join(phrase.split()) if bare else _article(phrase)


def _article(phrase: str) -> str:
    phrase = " ".join(phrase.split())
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


# -- pictures ---------------------------------------------------------------------------------


class Studio:
    """Draws scenes from the drawings of `assets.drawings`. Holds up to 150 MB of what it drew."""

    def __init__(self, drawings: Mapping[str, Image.Image]) -> None:
        self._drawings = {noun: _cropped(image) for noun, image in drawings.items()}
        self._tinted = lru_cache(maxsize=None)(self._tint)
        self._background = lru_cache(maxsize=None)(partial(backgrounds.draw, side=SIDE))

    def render(self, scene: Scene, chance: random.Random) -> Image.Image:
        """The scene, SIDE × SIDE pixels, RGB."""
        return self.render_with_mask(scene, chance)[0]

    def render_with_mask(
        self, scene: Scene, chance: random.Random
    ) -> tuple[Image.Image, Image.Image]:
        """The scene, and where its things are: 255 in an image of one channel of the same size."""
        mask = Image.new("L", (SIDE, SIDE))
        picture = self._background(scene.background, chance.randrange(VARIANTS)).copy()
        if chance.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        for thing, side, x, y in self._places(scene, chance):
            self._paste(picture, mask, thing, side, x, y, scene.background)
        return picture, mask

    def _places(
        self, scene: Scene, chance: random.Random
    ) -> Iterator[tuple[Thing, float, float, float]]:
        """Each thing with its longest side and its middle, as shares of the picture's side.

        They differ little: what varies unsaid has to be learnt, and takes its share of a short
        training from the shapes.
        """
        y = chance.uniform(0.53, 0.55)
        if len(scene.things) == 2 or scene.twins:
            things = scene.things * 2 if scene.twins else scene.things
            side = chance.uniform(0.38, 0.4)
            for thing, middle in zip(things, (0.27, 0.73), strict=True):
                yield thing, side, middle + chance.uniform(-0.01, 0.01), y + 0.06
            return
        low, high = {"small": (0.28, 0.3), "large": (0.74, 0.78), "": (0.52, 0.55)}[scene.size]
        side = chance.uniform(low, high)
        middle = {"left": 0.3, "right": 0.7, "": 0.5}[scene.position]
        x = middle + chance.uniform(-0.012, 0.012)
        if scene.size == "small":
            y += 0.08
        x = min(max(x, side / 2 + 0.01), 1 - side / 2 - 0.01)
        yield scene.things[0], side, x, y

    def _paste(
        self,
        picture: Image.Image,
        mask: Image.Image,
        thing: Thing,
        side: float,
        x: float,
        y: float,
        background: str,
    ) -> None:
        drawing = self._tinted(thing.noun, thing.colour)
        scale = side * SIDE / max(drawing.size)
        width, height = (max(1, round(n * scale)) for n in drawing.size)
        sprite = drawing.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        left, top = round(x * SIDE - width / 2), round(y * SIDE - height / 2)
        if background not in FLOATING:
            shade = Image.new("L", (width, max(4, height // 6)), 0)
            ImageDraw.Draw(shade).ellipse((width * 0.1, 2, width * 0.9, shade.height - 2), fill=90)
            shade = shade.filter(ImageFilter.GaussianBlur(3))
            picture.paste((20, 20, 40), (left, top + height - shade.height // 2), shade)
        picture.paste(sprite, (left, top), sprite)
        mask.paste(255, (left, top), sprite.getchannel("A"))

    def _tint(self, noun: str, colour: str) -> Image.Image:
        drawing = self._drawings[noun]
        return _tinted(drawing, colour) if colour else drawing


def _cropped(image: Image.Image) -> Image.Image:
    box = image.getchannel("A").point(lambda alpha: 255 if alpha > 16 else 0).getbbox()
    return image.crop(box)


def _tinted(image: Image.Image, colour: str) -> Image.Image:
    """The drawing in shades of one colour, its light and dark kept."""
    hue, saturation, middle = COLOURS[colour]
    pixels = np.asarray(image).astype(np.float32) / 255
    alpha = pixels[..., 3]
    light = pixels[..., :3] @ np.array([0.3, 0.59, 0.11], np.float32)
    solid = light[alpha > 0.5]
    low, mid, high = np.percentile(solid, [2, 50, 98])
    # A drawing of nearly one tone would come out as noise.
    low, high = min(low, mid - LEAST_CONTRAST), max(high, mid + LEAST_CONTRAST)
    # The median of the drawing becomes the colour's middle tone.
    tone = np.interp(light, [low, mid, high], [-1.0, 0.0, 1.0]).astype(np.float32)
    dark, bright = max(0.06, middle - 0.34), min(0.98, middle + 0.3)
    lightness = np.interp(tone, [-1, 0, 1], [dark, middle, bright])
    steps = np.linspace(0, 1, 256)
    table = np.array([colorsys.hls_to_rgb(hue / 360, value, saturation) for value in steps])
    shaded = table[(lightness * 255).round().astype(int)]
    out = np.concatenate([shaded, alpha[..., None]], axis=-1)
    return Image.fromarray((out * 255).round().astype(np.uint8), "RGBA")
