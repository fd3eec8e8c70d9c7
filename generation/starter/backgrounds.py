"""The backgrounds of the scenes that the starter model learns from, drawn by chance."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]


def draw(name: str, number: int, side: int) -> Image.Image:
    """A background, drawn at twice the size and made smaller.

    Args:
        name: one of `vocabulary.BACKGROUNDS`.
        number: which of its variants; the same gives the same drawing.
        side: in pixels.
    """
    canvas = _Canvas(random.Random(f"{name} {number}"), side * 2)
    _PAINTERS[name](canvas)
    return canvas.image.resize((side, side), Image.Resampling.BOX)


class _Canvas:
    """A square to draw on; lengths are given as shares of its side, which is in pixels."""

    def __init__(self, chance: random.Random, side: int) -> None:
        self.chance = chance
        self.side = side
        self.image = Image.new("RGB", (side, side))

    def between(self, low: float, high: float) -> float:
        return self.chance.uniform(low, high)

    def near(self, colour: Colour, spread: int = 14) -> Colour:
        shift = self.chance.randint(-spread, spread)
        red, green, blue = (
            min(255, max(0, value + shift + self.chance.randint(-spread // 2, spread // 2)))
            for value in colour
        )
        return red, green, blue

    def gradient(self, top: Colour, bottom: Colour, start: float = 0.0, end: float = 1.0) -> None:
        first, last = round(start * self.side), round(end * self.side)
        share = np.linspace(0, 1, max(1, last - first))[:, None, None]
        rows = np.array(top) * (1 - share) + np.array(bottom) * share
        band = np.broadcast_to(rows, (len(rows), self.side, 3)).round().astype(np.uint8)
        self.image.paste(Image.fromarray(np.ascontiguousarray(band), "RGB"), (0, first))

    def polygon(self, points: list[tuple[float, float]], colour: Colour) -> None:
        scaled = [(x * self.side, y * self.side) for x, y in points]
        ImageDraw.Draw(self.image).polygon(scaled, fill=colour)

    def ellipse(self, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
        box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
        ImageDraw.Draw(self.image).ellipse([n * self.side for n in box], fill=colour)

    def rectangle(self, left: float, top: float, right: float, bottom: float, c: Colour) -> None:
        box = [n * self.side for n in (left, top, right, bottom)]
        ImageDraw.Draw(self.image).rectangle(box, fill=c)

    def hills(self, height: float, swing: float, colour: Colour, waves: float = 1.5) -> None:
        phase = self.between(0, math.tau)
        speed = self.between(0.7, 1.3) * waves * math.tau
        top = [(n / 48, height + swing * math.sin(phase + speed * n / 48)) for n in range(49)]
        self.polygon([*top, (1, 1), (0, 1)], colour)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
        rows, columns = np.mgrid[0 : self.side, 0 : self.side] / self.side
        distance = np.hypot(columns - x, rows - y) / radius
        mask = (np.exp(-(distance**2) * 2) * strength * 255).astype(np.uint8)
        self.image.paste(colour, (0, 0), Image.fromarray(mask, "L"))

    def clouds(self, low: float, high: float) -> None:
        for _ in range(self.chance.randint(1, 3)):
            x, y = self.between(0, 1), self.between(low, high)
            size = self.between(0.08, 0.15)
            for n in range(4):
                bulge = self.between(0.7, 1.2)
                self.ellipse(
                    x + (n - 1.5) * size * 0.6, y, size * bulge, size * 0.6 * bulge, (250, 252, 255)
                )

    def dots(self, count: int, size: tuple[float, float], colour: Colour, end: float = 1) -> None:
        for _ in range(count):
            radius = self.between(*size)
            self.ellipse(self.between(0, 1), self.between(0, end), radius, radius, colour)


def _beach(c: _Canvas) -> None:
    sea = c.between(0.42, 0.48)
    shore = c.between(0.6, 0.66)
    c.gradient(c.near((105, 190, 245)), c.near((200, 235, 252)), 0, sea)
    c.clouds(0.06, 0.26)
    c.ellipse(c.between(0.1, 0.9), c.between(0.08, 0.2), 0.12, 0.12, (255, 240, 150))
    c.gradient(c.near((30, 130, 200)), c.near((70, 205, 215)), sea, shore + 0.04)
    c.hills(shore, 0.012, (245, 250, 250), 2)
    c.hills(shore + 0.02, 0.012, c.near((240, 215, 155), 8), 2)
    c.dots(12, (0.006, 0.012), (215, 185, 125), 1)


def _forest(c: _Canvas) -> None:
    c.gradient(c.near((150, 195, 150)), c.near((60, 120, 70)))
    for depth, tone in ((0.5, (70, 120, 75)), (0.62, (40, 90, 50))):
        for n in range(9):
            x = n / 8 + c.between(-0.05, 0.05)
            top, wide = depth - c.between(0.3, 0.5), c.between(0.07, 0.1)
            colour = c.near((tone[0], tone[1], tone[2]), 10)
            c.rectangle(x - 0.012, depth - 0.1, x + 0.012, depth + 0.1, c.near((80, 55, 40), 8))
            for layer in range(3):
                y = top + layer * 0.12
                c.polygon(
                    [(x, y), (x - wide * (1 + layer * 0.3), y + 0.18),
                     (x + wide * (1 + layer * 0.3), y + 0.18)], colour,
                )  # fmt: skip
    c.hills(0.68, 0.015, c.near((50, 85, 40), 8))
    c.hills(0.8, 0.02, c.near((65, 105, 45), 8))


def _sunset(c: _Canvas) -> None:
    line = c.between(0.58, 0.66)
    c.gradient(c.near((95, 60, 130)), c.near((250, 120, 70)), 0, line * 0.6)
    c.gradient(c.near((250, 120, 70), 4), c.near((255, 200, 90)), line * 0.6, line)
    x = c.between(0.2, 0.8)
    c.glow(x, line, 0.4, (255, 220, 120), 0.7)
    c.ellipse(x, line - 0.02, 0.24, 0.24, (255, 240, 170))
    c.gradient(c.near((200, 90, 70)), c.near((60, 35, 75)), line, 1)
    for _ in range(9):
        y = c.between(line + 0.02, 0.98)
        wide = c.between(0.05, 0.16)
        c.ellipse(x + c.between(-0.1, 0.1), y, wide, 0.012, (255, 190, 110))


def _night(c: _Canvas) -> None:
    c.gradient(c.near((12, 16, 50), 8), c.near((50, 65, 120), 10), 0, 0.75)
    c.dots(60, (0.006, 0.014), (235, 240, 255), 0.65)
    x, y = c.between(0.12, 0.88), c.between(0.12, 0.2)
    c.glow(x, y, 0.2, (190, 200, 240), 0.5)
    c.ellipse(x, y, 0.14, 0.14, (245, 243, 215))
    c.hills(c.between(0.66, 0.72), 0.03, c.near((22, 32, 62), 6))
    c.hills(c.between(0.78, 0.84), 0.02, c.near((12, 20, 42), 5))


def _snow(c: _Canvas) -> None:
    c.gradient(c.near((165, 190, 215)), c.near((220, 232, 242)), 0, 0.65)
    for n in range(7):
        x, base = n / 6 + c.between(-0.05, 0.05), c.between(0.56, 0.62)
        high, wide = c.between(0.14, 0.24), c.between(0.05, 0.07)
        c.polygon([(x, base - high), (x - wide, base), (x + wide, base)], c.near((90, 125, 125), 8))
        c.polygon(
            [
                (x, base - high),
                (x - wide * 0.5, base - high / 2),
                (x + wide * 0.5, base - high / 2),
            ],
            (240, 246, 250),
        )
    c.hills(0.6, 0.025, c.near((228, 238, 247), 5))
    c.hills(0.74, 0.02, c.near((245, 249, 253), 3))
    c.dots(70, (0.008, 0.02), (255, 255, 255), 0.8)


def _city(c: _Canvas) -> None:
    c.gradient(c.near((150, 190, 225)), c.near((225, 225, 225)), 0, 0.75)
    for base, tone in ((0.36, 165), (0.5, 110)):
        x = -c.between(0, 0.1)
        while x < 1:
            wide, top = c.between(0.1, 0.17), base - c.between(0.05, 0.28)
            shade = c.near((tone - 15, tone, tone + 20), 16)
            c.rectangle(x, top, x + wide, 0.78, shade)
            for row in range(12):
                for column in range(3):
                    if c.chance.random() < 0.75:
                        left = x + wide * (0.18 + column * 0.25)
                        y = top + 0.025 + row * 0.05
                        if y < 0.72:
                            c.rectangle(left, y, left + wide * 0.13, y + 0.022, (250, 230, 160))
            x += wide + c.between(0, 0.02)
    c.rectangle(0, 0.74, 1, 0.8, c.near((175, 175, 180), 8))
    c.rectangle(0, 0.8, 1, 1, c.near((80, 82, 90), 8))
    for n in range(5):
        c.rectangle(n * 0.25 - 0.06, 0.895, n * 0.25 + 0.06, 0.912, (240, 240, 240))


def _desert(c: _Canvas) -> None:
    c.gradient(c.near((90, 170, 225)), c.near((245, 225, 180)), 0, 0.6)
    c.ellipse(c.between(0.1, 0.9), c.between(0.1, 0.22), 0.13, 0.13, (255, 250, 215))
    c.hills(0.5, 0.05, c.near((225, 165, 95), 8), 1)
    c.hills(0.6, 0.05, c.near((235, 180, 105), 8), 1.2)
    c.hills(0.72, 0.04, c.near((215, 150, 80), 8), 1.2)
    c.hills(0.82, 0.03, c.near((240, 190, 120), 8), 1)


def _meadow(c: _Canvas) -> None:
    c.gradient(c.near((95, 175, 240)), c.near((210, 238, 252)), 0, 0.6)
    c.clouds(0.08, 0.32)
    c.hills(0.54, 0.05, c.near((125, 195, 95), 8), 1)
    c.hills(0.64, 0.04, c.near((95, 178, 75), 8), 1.2)
    c.hills(0.76, 0.03, c.near((75, 158, 60), 8), 1)
    for colour in ((250, 250, 250), (250, 215, 70), (240, 130, 160)):
        for _ in range(8):
            c.ellipse(c.between(0, 1), c.between(0.72, 0.98), 0.018, 0.018, colour)


def _underwater(c: _Canvas) -> None:
    c.gradient(c.near((70, 195, 225)), c.near((8, 55, 125)))
    for _ in range(4):
        x, wide = c.between(0, 1), c.between(0.04, 0.1)
        c.polygon([(x, 0), (x + wide, 0), (x + wide + 0.1, 0.6), (x - 0.1, 0.6)],
                  c.near((80, 185, 215), 6))  # fmt: skip
    c.image = c.image.filter(ImageFilter.GaussianBlur(10))
    c.hills(0.86, 0.02, c.near((165, 165, 125), 8))
    for _ in range(6):
        x, high = c.between(0, 1), c.between(0.15, 0.35)
        shade = c.near((30, 125, 85), 12)
        for n in range(12):
            sway = 0.02 * math.sin(n * 0.9 + x * 9)
            c.ellipse(x + sway, 0.93 - high * n / 12, 0.03, 0.05, shade)
    for _ in range(14):
        x, y, size = c.between(0, 1), c.between(0, 0.85), c.between(0.012, 0.03)
        c.ellipse(x, y, size, size, (205, 240, 250))
        c.ellipse(x, y, size * 0.6, size * 0.6, (110, 200, 230))


def _mountains(c: _Canvas) -> None:
    c.gradient(c.near((110, 170, 225)), c.near((225, 235, 245)), 0, 0.6)
    for n in range(4):
        x, top = n / 3 + c.between(-0.08, 0.08), c.between(0.12, 0.26)
        wide = c.between(0.26, 0.34)
        c.polygon([(x, top), (x - wide, 0.66), (x + wide, 0.66)], c.near((105, 110, 135), 10))
        c.polygon([(x, top), (x + wide, 0.66), (x + wide * 0.1, 0.66)], c.near((80, 85, 112), 8))
        c.polygon(
            [(x, top), (x - wide * 0.3, top + 0.15), (x - wide * 0.1, top + 0.11),
             (x, top + 0.16), (x + wide * 0.12, top + 0.11), (x + wide * 0.3, top + 0.15)],
            (248, 250, 255),
        )  # fmt: skip
    c.hills(0.64, 0.02, c.near((70, 120, 85), 8))
    c.hills(0.78, 0.02, c.near((95, 150, 85), 8))


def _space(c: _Canvas) -> None:
    c.gradient(c.near((14, 8, 32), 5), c.near((28, 14, 58), 6))
    for colour in ((120, 40, 150), (40, 70, 170), (190, 60, 120)):
        c.glow(c.between(0, 1), c.between(0, 1), c.between(0.25, 0.4), colour, 0.55)
    c.dots(80, (0.004, 0.012), (240, 240, 255))
    for _ in range(2):
        x, y = c.chance.choice((c.between(0.05, 0.2), c.between(0.8, 0.95))), c.between(0.08, 0.9)
        size = c.between(0.09, 0.17)
        shade = c.near(c.chance.choice(((215, 140, 90), (110, 165, 205), (190, 175, 140))), 14)
        c.ellipse(x, y, size, size, shade)
        c.ellipse(x, y, size * 1.7, size * 0.16, c.near((220, 200, 180), 10))


def _room(c: _Canvas) -> None:
    wall = c.near(c.chance.choice(((240, 222, 200), (200, 215, 225), (225, 205, 215))), 8)
    c.gradient(wall, c.near(wall, 6), 0, 0.68)
    left = c.chance.choice((c.between(0.06, 0.14), c.between(0.6, 0.68)))
    c.rectangle(left - 0.015, 0.1, left + 0.275, 0.44, (250, 250, 248))
    c.rectangle(left, 0.115, left + 0.26, 0.425, (150, 205, 240))
    c.rectangle(left + 0.122, 0.115, left + 0.138, 0.425, (250, 250, 248))
    c.rectangle(left, 0.262, left + 0.26, 0.276, (250, 250, 248))
    frame = left + 0.5 if left < 0.5 else left - 0.44
    c.rectangle(frame, 0.14, frame + 0.2, 0.36, c.near((120, 80, 55), 8))
    c.rectangle(frame + 0.02, 0.16, frame + 0.18, 0.34, c.near((235, 190, 120), 30))
    c.rectangle(0, 0.66, 1, 0.69, (245, 243, 238))
    floor = c.near((175, 120, 75), 8)
    for n in range(5):
        c.rectangle(0, 0.69 + n * 0.065, 1, 0.69 + n * 0.065 + 0.06, c.near(floor, 6))
        c.rectangle(0, 0.69 + n * 0.065 + 0.06, 1, 0.69 + n * 0.065 + 0.066, (125, 82, 50))


_PAINTERS: dict[str, Callable[[_Canvas], None]] = {
    "beach": _beach,
    "forest": _forest,
    "sunset": _sunset,
    "night": _night,
    "snow": _snow,
    "city": _city,
    "desert": _desert,
    "meadow": _meadow,
    "underwater": _underwater,
    "mountains": _mountains,
    "space": _space,
    "room": _room,
}
