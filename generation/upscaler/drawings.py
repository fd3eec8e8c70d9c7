"""Pictures drawn by chance, each by its number: what the network is trained and tested with beside
those of others. They have what small pictures lose: edges, thin lines, letters, patterns, grain."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

OVER = 2  # drawn so many times larger, and shrunk: no staircase at the edges
HELD_OUT = 1_000_000  # the numbers from here on are never trained with
_WORDS = ("easel", "Brush 7", "light & shade", "Öl", "canvas", "RED", "12:45", "quick fox")

Colour = tuple[int, int, int]


def drawing(number: int, side: int) -> Image.Image:
    """The drawing of that number, RGB, `side` × `side` pixels. The same at each call."""
    chance = random.Random(number)
    large = side * OVER
    picture = _ground(chance, large)
    draw = ImageDraw.Draw(picture)
    for _ in range(chance.randint(4, 14)):
        chance.choice((_ellipse, _polygon, _lines, _stripes, _words, _strand))(chance, draw, large)
    picture = picture.resize((side, side), Image.Resampling.LANCZOS)
    if chance.random() < 0.4:
        picture = picture.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 1.2)))
    return picture


def _colour(chance: random.Random) -> Colour:
    return (chance.randrange(256), chance.randrange(256), chance.randrange(256))


def _ground(chance: random.Random, side: int) -> Image.Image:
    gradient = Image.linear_gradient("L").rotate(chance.choice((0, 90, 180, 270)))
    if chance.random() < 0.4:
        gradient = Image.radial_gradient("L")
    mask = gradient.resize((side, side), Image.Resampling.BICUBIC)
    one, other = (Image.new("RGB", (side, side), _colour(chance)) for _ in range(2))
    ground = Image.composite(one, other, mask)
    if chance.random() < 0.5:
        return ground
    # Clouds: grain of three sizes.
    for cells in (chance.randint(3, 8), chance.randint(16, 40), side // 4):
        grain = Image.frombytes("RGB", (cells, cells), chance.randbytes(3 * cells * cells))
        grain = grain.resize((side, side), Image.Resampling.BICUBIC)
        ground = Image.blend(ground, grain, chance.uniform(0.05, 0.35))
    return ground if chance.random() < 0.8 else ImageChops.invert(ground)


def _spot(chance: random.Random, side: int) -> tuple[float, float]:
    return chance.uniform(-0.1, 1.1) * side, chance.uniform(-0.1, 1.1) * side


def _ellipse(chance: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    x, y = _spot(chance, side)
    wide, high = (chance.uniform(0.02, 0.4) * side for _ in range(2))
    outline = _colour(chance) if chance.random() < 0.5 else None
    box = (x - wide, y - high, x + wide, y + high)
    draw.ellipse(box, fill=_colour(chance), outline=outline, width=chance.randint(1, 8))


def _polygon(chance: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    points = [_spot(chance, side) for _ in range(chance.randint(3, 6))]
    draw.polygon(points, fill=_colour(chance))


def _lines(chance: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    for _ in range(chance.randint(1, 6)):
        ends = (*_spot(chance, side), *_spot(chance, side))
        draw.line(ends, fill=_colour(chance), width=chance.randint(1, 10))


def _strand(chance: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    """Hairs and blades of grass: many thin curves that run beside one another."""
    x, y = _spot(chance, side)
    turn, length = chance.uniform(0, 2 * math.pi), chance.uniform(0.1, 0.5) * side
    for _ in range(chance.randint(10, 60)):
        angle, bend = turn + chance.gauss(0, 0.15), chance.gauss(0, 0.02)
        at = (x + chance.gauss(0, 0.06) * side, y + chance.gauss(0, 0.06) * side)
        points = [at]
        for _ in range(8):
            angle += bend * 8
            at = (at[0] + math.cos(angle) * length / 8, at[1] + math.sin(angle) * length / 8)
            points.append(at)
        draw.line(points, fill=_colour(chance), width=chance.randint(1, 4))


def _stripes(chance: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    x, y = _spot(chance, side)
    width, gap = chance.randint(3, 14), chance.randint(3, 14)
    colours = _colour(chance), _colour(chance)
    slant = chance.uniform(-0.6, 0.6) * side
    height = chance.uniform(0.1, 0.5) * side
    for number in range(chance.randint(4, 16)):
        left = x + number * (width + gap)
        corners = [(left, y), (left + width, y)]
        corners += [(left + width + slant, y + height), (left + slant, y + height)]
        draw.polygon(corners, fill=colours[number % 2])


def _words(chance: random.Random, draw: ImageDraw.ImageDraw, side: int) -> None:
    font = ImageFont.load_default(chance.randint(14, 60))
    draw.text(_spot(chance, side), chance.choice(_WORDS), fill=_colour(chance), font=font)
