"""The photos of the demo campus: what was reported, drawn flat. The same for the same name and number, every time.

A scene is drawn on a sheet of 400 by 300 in one of a few variations, as it was found or `mended`. It is drawn once,
made into a photo and a thumbnail by what makes every photo (`helpdesk/images_child.py`), and used many times over.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, lru_cache
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw, ImageFont

from demo.photos import Photo
from helpdesk import images_child
from helpdesk.images import Remade

WIDTH, HEIGHT, SCALE = 640, 480, 2
"""Of a photo; it is drawn so many times as large, for smooth edges."""
UNIT = WIDTH * SCALE / 400

Colour = str | tuple[int, int, int, int]
Point = tuple[float, float]
WALLS = ("#e9e2d4", "#dfe6e4", "#e4dfe8", "#e6ddd0", "#d9e2ec")
FLOORS = ("#b59b7c", "#9aa3a8", "#a78f76", "#8f9a94")
WOODS = ("#a9744f", "#8d6043", "#b98a5e", "#7c8794")
INK, DARK, STEEL, WHITE = "#2b3038", "#3d444f", "#9aa4ae", "#fbfbf8"
RED, GREEN, YELLOW, BLUE, WATER = "#d1493f", "#3f9c5f", "#f2c14e", "#3a6ea5", "#6fb1d6"


class Sheet:
    """Draws in units of the sheet, from its upper left corner."""

    def __init__(self, photo: Photo) -> None:
        self.rng = random.Random(f"{photo.scene} {photo.variation}")
        self.turn = photo.variation + len(photo.scene)
        self.image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), self.pick(WALLS))
        self.draw = ImageDraw.Draw(self.image, "RGBA")

    def pick(self, several: Sequence[str]) -> str:
        """Another one in each variation."""
        return several[self.turn % len(several)]

    @staticmethod
    def _at(points: Sequence[Point]) -> list[Point]:
        return [(x * UNIT, y * UNIT) for x, y in points]

    def box(self, x: float, y: float, w: float, h: float, fill: Colour, *, round: float = 0) -> None:  # noqa: A002
        self.draw.rounded_rectangle([x * UNIT, y * UNIT, (x + w) * UNIT, (y + h) * UNIT], round * UNIT, fill)

    def shape(self, points: Sequence[Point], fill: Colour) -> None:
        self.draw.polygon(self._at(points), fill)

    def line(self, points: Sequence[Point], fill: Colour, width: float = 2) -> None:
        self.draw.line(self._at(points), fill, int(width * UNIT), joint="curve")

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        self.draw.ellipse([(x - rx) * UNIT, (y - ry) * UNIT, (x + rx) * UNIT, (y + ry) * UNIT], fill)

    def ring(self, x: float, y: float, r: float, fill: Colour, width: float = 3) -> None:
        edges = [(x - r) * UNIT, (y - r) * UNIT, (x + r) * UNIT, (y + r) * UNIT]
        self.draw.ellipse(edges, None, fill, int(width * UNIT))

    def text(self, x: float, y: float, said: str, size: float, fill: Colour = INK) -> None:
        self.draw.text((x * UNIT, y * UNIT), said, fill, ImageFont.load_default(size * UNIT), anchor="mm")

    def drop(self, x: float, y: float, r: float, fill: Colour = WATER) -> None:
        self.shape([(x, y - 2.4 * r), (x - r * 0.9, y - r * 0.3), (x + r * 0.9, y - r * 0.3)], fill)
        self.oval(x, y, r, r, fill)

    def crack(self, x: float, y: float, steps: int, dx: float, dy: float, width: float = 1.6) -> None:
        points = [(x, y)]
        for step in range(steps):
            x, y = x + dx + self.rng.uniform(-7, 7), y + dy + self.rng.uniform(-4, 4)
            points.append((x, y))
            if step % 2:
                self.line([(x, y), (x + self.rng.uniform(-16, 16), y + dy * 0.8)], INK, width * 0.6)
        self.line(points, INK, width)

    def tick(self, x: float, y: float, size: float, fill: Colour = GREEN) -> None:
        self.line([(x - size, y), (x - size * 0.3, y + size * 0.7), (x + size, y - size * 0.8)], fill, size * 0.35)

    def cross(self, x: float, y: float, size: float, fill: Colour = RED) -> None:
        for way in (1, -1):
            self.line([(x - size, y - size * way), (x + size, y + size * way)], fill, size * 0.4)

    def room(self, floor: float = 225) -> None:
        """A wall with a skirting board, and the floor."""
        self.box(0, floor, 400, 300 - floor, self.pick(FLOORS))
        self.box(0, floor - 6, 400, 6, (255, 255, 255, 150))
        self.box(0, floor, 400, 5, (0, 0, 0, 28))


# --- the scenes -------------------------------------------------------------------------------------------------------


def ceiling(to: Sheet, mended: bool) -> None:
    """It drips through."""
    to.room(235)
    to.shape([(0, 0), (400, 0), (340, 110), (60, 110)], "#f4f1ea")
    for n in range(7):
        to.line([(n * 66.7, 0), (60 + n * 46.7, 110)], "#d5d0c4", 1)
    for y, inset in ((28, 15), (66, 36)):
        to.line([(inset, y), (400 - inset, y)], "#d5d0c4", 1)
    to.shape([(92, 34), (142, 34), (150, 58), (104, 58)], "#fff7d6")
    x = to.rng.randrange(200, 270)
    if mended:
        to.shape([(x - 34, 30), (x + 30, 30), (x + 24, 64), (x - 30, 64)], WHITE)
        to.line([(x - 90, 290), (x - 55, 120), (x - 20, 290)], YELLOW, 5)
        for n in range(5):
            to.line([(x - 62 - n * 6, 150 + n * 30), (x - 48 + n * 6, 150 + n * 30)], YELLOW, 4)
        return
    to.oval(x, 52, 62, 25, "#cdb182")
    to.oval(x + 6, 54, 44, 17, "#b8935d")
    to.oval(x + 12, 55, 22, 9, "#96713f")
    for n in range(4):
        to.drop(x + 10 + to.rng.uniform(-8, 8), 90 + n * 38, 4.5)
    to.oval(x + 8, 272, 76, 14, "#7fa9c0")
    to.shape([(x - 26, 222), (x + 42, 222), (x + 34, 276), (x - 18, 276)], BLUE)
    to.oval(x + 8, 222, 34, 8, "#9cc9e2")


def corridor(to: Sheet, mended: bool) -> None:
    """No light."""
    walls, end, lamp = ("#e8dfcb", "#f3ecd9", "#fff6cf") if mended else ("#3a4150", "#272d39", "#4a5261")
    to.box(0, 0, 400, 300, walls)
    to.shape([(0, 0), (400, 0), (250, 105), (150, 105)], "#f6f1e4" if mended else "#2e3441")
    to.shape([(0, 300), (400, 300), (250, 195), (150, 195)], "#b7a487" if mended else "#242a35")
    to.box(150, 105, 100, 90, end)
    to.box(180, 130, 40, 65, "#8d6043" if mended else "#1d222b")
    wood = to.pick(WOODS) if mended else "#2f3540"
    for near, far in ((30, 75), (98, 124)):
        to.shape(
            [(near, 70 + near * 0.35), (far, 85 + far * 0.3), (far, 300 - far * 0.7), (near, 300 - near * 0.7)], wood
        )
    to.shape([(370, 82), (318, 110), (318, 243), (370, 279)], wood)
    for y, w, h in ((16, 90, 12), (52, 60, 8), (80, 36, 5)):
        to.box(200 - w / 2, y, w, h, lamp, round=2)
        if mended:
            to.oval(200, y + h, w * 0.9, h * 2.2, (255, 244, 200, 70))
    to.box(184, 114, 32, 11, "#2fb36a", round=1.5)
    to.text(200, 119.5, "EXIT", 7.5, WHITE)


def door(to: Sheet, mended: bool) -> None:
    """It is split, and hangs."""
    to.room(262)
    to.box(118, 30, 164, 232, "#cfc6b8")
    wood = to.pick(WOODS)
    to.box(128, 40, 144, 222, wood)
    for x, y, w, h in ((142, 56, 116, 70), (142, 142, 116, 104)):
        to.box(x, y, w, h, (0, 0, 0, 30), round=3)
        to.box(x + 3, y + 3, w - 6, h - 6, (255, 255, 255, 26), round=2)
    to.box(252, 140, 9, 40, STEEL, round=4)
    to.box(234, 152, 24, 6, "#c8d0d6", round=3)
    to.oval(256.5, 171, 2.5, 3.5, INK)
    if mended:
        return
    to.crack(238, 44, 7, -9, 24, 2.6)
    to.crack(256, 190, 3, -16, 14)
    to.shape([(128, 40), (134, 40), (132, 100), (128, 104)], INK)


def screen(to: Sheet, mended: bool) -> None:
    """An error that says nothing."""
    to.room(228)
    to.box(40, 214, 320, 14, to.pick(WOODS), round=2)
    to.shape([(176, 190), (224, 190), (238, 214), (162, 214)], DARK)
    to.box(84, 34, 232, 158, INK, round=8)
    if mended:
        to.box(92, 42, 216, 142, "#4f8fc0", round=3)
        to.box(118, 62, 150, 96, WHITE, round=4)
        to.box(118, 62, 150, 14, "#d7dde3", round=4)
        for n in range(4):
            to.box(130, 88 + n * 15, 118 - 22 * (n % 2), 6, "#c2cbd3", round=3)
        to.tick(244, 138, 12)
    elif to.turn % 2:
        to.box(92, 42, 216, 142, "#2463a8", round=3)
        to.text(126, 78, ":(", 36, WHITE)
        for n in range(3):
            to.box(112, 108 + n * 14, 150 - n * 34, 6, (255, 255, 255, 190), round=3)
        to.text(160, 166, f"STOP 0x{to.rng.randrange(4096, 65535):04X}", 11, WHITE)
    else:
        to.box(92, 42, 216, 142, "#5d6b7a", round=3)
        to.box(124, 72, 152, 82, WHITE, round=4)
        to.box(124, 72, 152, 15, RED, round=4)
        to.oval(148, 114, 13, 13, RED)
        to.cross(148, 114, 5.5, WHITE)
        to.text(214, 108, f"Error {to.rng.randrange(100, 999)}", 13)
        to.box(184, 126, 60, 17, "#d7dde3", round=3)
        to.text(214, 134, "OK", 10)
    to.box(104, 234, 150, 22, "#d9dde0", round=4)
    for n in range(11):
        to.box(109 + n * 13, 238, 10, 5, "#aab2b9", round=1)
        to.box(109 + n * 13, 246, 10, 5, "#aab2b9", round=1)
    to.oval(286, 246, 12, 9, "#d9dde0")


def bin_(to: Sheet, mended: bool) -> None:
    """Full, and more beside it."""
    to.room(215)
    body = to.pick(("#4f7f5b", "#4a6178", "#6b6f75"))
    if not mended:
        for x, y, r, fill in ((150, 92, 30, INK), (205, 78, 36, DARK), (252, 94, 28, INK), (306, 250, 34, DARK)):
            to.oval(x, y, r, r * 0.9, fill)
            to.shape([(x - 6, y - r * 0.8), (x + 8, y - r - 9), (x + 5, y - r * 0.7)], fill)
        for x, y, fill in ((92, 258, WHITE), (70, 240, "#e8c9a0"), (338, 272, RED), (118, 276, "#b9d6e6")):
            to.shape([(x - 14, y), (x, y - 12), (x + 16, y - 4), (x + 8, y + 9)], fill)
        to.box(176, 42, 20, 44, "#b98a5e")
    to.oval(200, 272, 74, 12, (0, 0, 0, 50))
    to.shape([(132, 100), (268, 100), (254, 272), (146, 272)], body)
    for n in range(5):
        to.line([(156 + n * 22, 118), (162 + n * 19, 258)], (0, 0, 0, 40), 3)
    to.box(124, 94, 152, 14, body, round=5)
    to.box(124, 94, 152, 14, (255, 255, 255, 50), round=5)
    if mended:
        to.shape([(128, 94), (272, 94), (258, 78), (142, 78)], body)
        to.box(186, 70, 28, 8, body, round=3)


def sign(to: Sheet, mended: bool) -> None:
    """The sign beside the door is wrong, or hangs by one screw."""
    to.box(262, 0, 138, 300, "#cfc6b8")
    to.box(276, 14, 124, 286, to.pick(WOODS))
    to.box(288, 150, 9, 44, STEEL, round=4)
    to.box(288, 164, 30, 7, "#c8d0d6", round=3)
    number = f"{to.rng.randrange(1, 4)}.{to.rng.randrange(1, 30):02d}"
    to.box(62, 84, 150, 104, (0, 0, 0, 40), round=6)
    to.box(58, 78, 150, 104, WHITE, round=6)
    to.box(58, 78, 150, 26, BLUE, round=6)
    to.text(133, 91, "CAMPUS", 11, WHITE)
    to.text(133, 134, number, 38)
    for x, y in ((66, 86), (200, 86), (66, 174), (200, 174)):
        to.oval(x, y, 2.5, 2.5, STEEL)
    if not mended:
        to.crack(190, 80, 4, -16, 26)
        to.line([(78, 138), (188, 132)], RED, 4)


def projector(to: Sheet, mended: bool) -> None:
    """No picture."""
    to.room(250)
    to.box(36, 30, 250, 160, DARK, round=3)
    to.box(42, 36, 238, 148, "#dfe9f4" if mended else "#1f4e8f")
    if mended:
        to.text(161, 66, "Week 3", 22)
        for n, h in enumerate((36, 58, 46, 72)):
            to.box(90 + n * 40, 164 - h, 24, h, (BLUE, GREEN, YELLOW, RED)[n])
    else:
        to.text(161, 106, to.pick(("NO SIGNAL", "KEIN SIGNAL", "LAMP ERROR")), 25, "#cfe0f5")
        for n in range(5):
            to.box(42, 40 + n * 31, 238, 1.5, (255, 255, 255, 50))
    to.box(344, 0, 8, 40, STEEL)
    to.shape([(312, 62), (280, 36), (280, 184)], (220, 235, 255, 60 if mended else 28))
    to.box(308, 38, 80, 44, "#eceeee", round=7)
    to.oval(316, 60, 10, 14, INK)
    to.oval(314, 60, 6, 9, "#8fb8e0" if mended else "#3f5a78")
    to.oval(376, 48, 3.5, 3.5, GREEN if mended else RED)
    to.box(120, 226, 86, 60, to.pick(WOODS), round=3)
    to.box(112, 220, 102, 9, DARK, round=3)


def radiator(to: Sheet, mended: bool) -> None:
    """Cold, in winter."""
    to.room(262)
    to.box(74, 18, 252, 112, WHITE, round=3)
    to.box(82, 26, 114, 96, "#a9c4da" if not mended else "#bfe0f2")
    to.box(204, 26, 114, 96, "#a9c4da" if not mended else "#bfe0f2")
    if not mended:
        for _ in range(26):
            to.oval(to.rng.uniform(86, 314), to.rng.uniform(30, 118), 2, 2, WHITE)
    to.box(64, 130, 272, 9, "#d8d3c8", round=2)
    for n in range(13):
        to.box(84 + n * 17, 158, 14, 88, "#f3f1ec", round=5)
        to.box(94 + n * 17, 160, 4, 84, (0, 0, 0, 26), round=2)
    to.box(300, 166, 26, 12, STEEL, round=3)
    to.box(322, 160, 20, 24, WHITE, round=6)
    to.text(332, 172, "5" if not mended else "3", 11)
    glow = (226, 96, 60, 150) if mended else (90, 150, 210, 150)
    for n in range(4):
        x = 112 + n * 52
        to.line([(x, 152), (x + 7, 145), (x - 4, 138), (x + 3, 128)], glow, 4)
    to.box(24, 92, 22, 96, WHITE, round=11)
    to.box(32, 150 if not mended else 112, 6, 26 if not mended else 64, RED, round=3)
    to.oval(35, 178, 8, 8, RED)


def printer(to: Sheet, mended: bool) -> None:
    """A paper jam."""
    to.room(240)
    to.box(80, 222, 240, 18, to.pick(WOODS), round=3)
    to.box(104, 108, 192, 114, "#dfe2e4", round=9)
    to.box(104, 96, 192, 34, DARK, round=9)
    to.box(120, 176, 160, 30, "#c3c9cd", round=4)
    to.box(128, 142, 144, 12, INK, round=4)
    to.box(238, 102, 48, 22, "#9fd3b4" if mended else "#f0b4ad", round=3)
    to.text(262, 113, "READY" if mended else "JAM", 10)
    if mended:
        for n in range(3):
            to.shape([(148 + n, 148), (252 - n, 148), (262 - n * 2, 196 - n * 4), (138 + n * 2, 196 - n * 4)], WHITE)
        return
    crumpled = [(150, 150), (168, 174), (184, 158), (204, 186), (220, 160), (238, 178), (250, 150)]
    to.shape(crumpled, WHITE)
    for one, other in pairwise(crumpled):
        to.line([one, other], "#b9c0c6", 1.5)
    to.line([(168, 150), (184, 158), (204, 152), (220, 160)], "#c9cfd4", 1.5)
    for x in (60, 336, 300):
        to.shape([(x - 20, 276), (x + 12, 262), (x + 24, 274), (x - 8, 288)], WHITE)


def chair(to: Sheet, mended: bool) -> None:
    """With three legs."""
    to.room(230)
    seat = to.pick((BLUE, "#4f7f5b", "#a34e4e"))
    to.oval(204, 276, 92, 10, (0, 0, 0, 50))
    legs: list[list[Point]] = [[(150, 176), (138, 276)], [(176, 172), (170, 262)], [(262, 176), (272, 276)]]
    for leg in legs:
        to.line(leg, DARK, 6)
    if mended:
        to.line([(242, 172), (250, 262)], DARK, 6)
    else:
        to.line([(242, 172), (246, 204)], DARK, 6)
        to.line([(282, 284), (344, 268)], DARK, 6)
        for n in range(3):
            to.oval(228 + n * 14, 288 - n * 4, 2.5, 2.5, STEEL)
    to.line([(146, 172), (136, 62)], DARK, 6)
    to.line([(262, 172), (266, 62)], DARK, 6)
    to.box(130, 48, 142, 62, seat, round=12)
    to.shape([(136, 160), (270, 160), (284, 182), (124, 182)], seat)
    to.box(124, 178, 160, 9, seat, round=4)
    to.box(124, 178, 160, 9, (0, 0, 0, 50), round=4)
    if not mended:
        to.crack(168, 52, 3, 12, 18)


def tap(to: Sheet, mended: bool) -> None:
    """Drips, and what is below it is blocked."""
    for y in range(0, 190, 32):
        for x in range(-20, 400, 56):
            to.box(x + 28 * (y // 32 % 2), y, 54, 30, (255, 255, 255, 95), round=2)
    to.box(0, 186, 400, 114, "#cdd3d6")
    to.oval(196, 214, 150, 34, WHITE)
    to.oval(196, 216, 130, 27, "#e3e8ea" if mended else "#9ec6d8")
    to.oval(196, 224, 10, 4, DARK if mended else "#7aa9bf")
    to.box(276, 92, 20, 104, STEEL, round=6)
    to.line([(286, 100), (270, 84), (220, 84), (204, 98), (204, 122)], STEEL, 15)
    to.line([(286, 98), (268, 80), (222, 80)], (255, 255, 255, 130), 4)
    to.box(262, 70, 48, 9, "#b9c2c9", round=4)
    to.oval(286, 74, 4, 4, RED)
    if not mended:
        for n in range(3):
            to.drop(204, 142 + n * 24, 5.5, "#5aa3cc")
        to.oval(204, 214, 22, 4, (255, 255, 255, 120))
        to.shape([(40, 300), (96, 248), (150, 258), (210, 300)], (111, 177, 214, 190))
        to.oval(120, 282, 70, 14, (111, 177, 214, 190))


def socket(to: Sheet, mended: bool) -> None:
    """Burnt."""
    to.room(276)
    for n, x in enumerate((64, 214)):
        to.box(x + 3, 73, 122, 122, (0, 0, 0, 40), round=12)
        to.box(x, 68, 122, 122, WHITE, round=12)
        to.oval(x + 61, 129, 42, 42, "#e3e3df")
        to.oval(x + 61, 129, 36, 36, "#cfd0cc")
        for hole in (-15, 15):
            to.oval(x + 61 + hole, 129, 5, 5, INK)
        if n == 1 and not mended:
            for r, alpha in ((62, 40), (44, 70), (26, 110)):
                to.oval(x + 66 + to.rng.uniform(-6, 6), 118, r, r * 1.2, (40, 28, 20, alpha))
            to.crack(x + 92, 84, 4, -8, 18)
            for dx, dy in ((-24, -34), (14, -44), (34, -20)):
                to.line([(x + 66, 122), (x + 66 + dx * 0.6, 122 + dy * 0.4), (x + 66 + dx, 122 + dy)], YELLOW, 3)
    if mended:
        to.line([(275, 300), (275, 150)], DARK, 10)
        to.box(252, 106, 46, 48, DARK, round=10)


def lift(to: Sheet, mended: bool) -> None:
    """Out of order."""
    to.room(266)
    to.box(104, 40, 176, 226, "#6f7780")
    to.box(114, 52, 156, 214, "#b7bfc6")
    if mended:
        to.box(150, 52, 84, 214, "#f0e6c8")
        to.box(158, 150, 68, 5, STEEL)
        to.box(162, 60, 60, 8, "#fff8dc", round=2)
    to.line([(192, 52), (192, 266)] if not mended else [(150, 52), (150, 266)], "#7f8890", 2.5)
    for x in (128, 254):
        to.box(x, 58, 5, 200, (255, 255, 255, 70), round=2)
    to.box(164, 16, 56, 19, INK, round=3)
    to.text(192, 25.5, str(to.rng.randrange(1, 5)) if mended else "--", 14, "#ff8d5a")
    to.box(306, 128, 26, 54, STEEL, round=4)
    for y in (143, 167):
        to.oval(319, y, 8, 8, WHITE if mended else "#7d868e")
    if not mended:
        to.box(142, 116, 100, 76, WHITE, round=2)
        to.box(142, 116, 100, 18, RED, round=2)
        to.text(192, 151, "OUT OF", 14)
        to.text(192, 171, "ORDER", 14)
        to.box(182, 109, 20, 12, (240, 220, 150, 200))


def path(to: Sheet, mended: bool) -> None:
    """A hole in the path, a branch across it."""
    to.box(0, 0, 400, 300, "#bcdcea")
    for x, y, r in ((60, 104, 58), (140, 120, 44), (330, 100, 66), (260, 124, 40)):
        to.oval(x, y, r, r * 0.8, to.rng.choice(("#6d9e5f", "#5f8f58", "#7fae68")))
    to.box(0, 140, 400, 160, "#86b06a")
    to.shape([(184, 140), (228, 140), (352, 300), (52, 300)], "#b9b4aa")
    for n in range(4):
        to.line([(180 - n * 36, 160 + n * 40), (240 + n * 30, 160 + n * 40)], "#a39d91", 1.5)
    to.box(312, 46, 7, 150, DARK)
    to.box(296, 34, 40, 15, YELLOW if mended else "#59616b", round=6)
    if mended:
        to.shape([(150, 226), (236, 222), (248, 258), (142, 262)], "#8d8880")
        return
    to.oval(196, 244, 52, 20, "#6f6a62")
    to.oval(200, 248, 42, 14, "#3e3a35")
    to.crack(140, 236, 3, -18, -4)
    to.line([(250, 276), (310, 216), (352, 202)], "#6b4a31", 9)
    to.line([(300, 226), (296, 196)], "#6b4a31", 5)
    for x, y in ((296, 192), (352, 198), (332, 190), (276, 236)):
        to.oval(x, y, 15, 11, "#5f8f58")


def antenna(to: Sheet, mended: bool) -> None:
    """The access point at the ceiling, and what a phone says of it."""
    to.shape([(0, 0), (400, 0), (400, 88), (0, 120)], "#f4f1ea")
    for n in range(6):
        to.line([(n * 80, 0), (n * 74 - 6, 120 - n * 6)], "#d5d0c4", 1)
    to.oval(128, 72, 66, 26, "#d3d6d8")
    to.oval(128, 66, 66, 26, WHITE)
    to.oval(128, 68, 9, 4, GREEN if mended else RED)
    to.shape([(300, 300), (316, 196), (400, 214), (400, 300)], "#d7a98a")
    to.box(216, 96, 116, 196, INK, round=14)
    to.box(223, 110, 102, 164, "#f2f5f7", round=4)
    for r in (46, 32, 18):
        box = [(274 - r) * UNIT, (190 - r) * UNIT, (274 + r) * UNIT, (190 + r) * UNIT]
        to.draw.arc(box, 225, 315, BLUE if mended else "#b9c2c9", int(8 * UNIT))
    to.oval(274, 188, 6, 6, BLUE if mended else "#b9c2c9")
    if not mended:
        to.cross(300, 200, 9)
        to.text(274, 238, to.pick(("No internet", "Kein Netz")), 14)
    else:
        to.text(274, 238, "Connected", 14)
    to.shape([(214, 236), (228, 232), (230, 258), (214, 262)], "#d7a98a")


def machine(to: Sheet, mended: bool) -> None:
    """The coffee machine."""
    to.room(250)
    to.box(110, 26, 180, 216, to.pick(("#7a3b3b", "#39495a", "#3f5a4c")), round=10)
    to.box(124, 42, 152, 44, INK, round=4)
    to.text(
        200,
        64,
        "Enjoy!" if mended else to.pick(("OUT OF ORDER", "ERROR 7", "SERVICE")),
        17,
        "#7fe0a0" if mended else "#ff8d5a",
    )
    for n in range(3):
        to.oval(246, 108 + n * 24, 8, 8, STEEL)
    to.box(134, 100, 84, 106, "#20252c", round=6)
    to.box(162, 100, 28, 14, STEEL, round=3)
    to.shape([(156, 160), (196, 160), (191, 202), (161, 202)], WHITE)
    if mended:
        to.oval(176, 161, 19, 5, "#6b4226")
        for x in (168, 182):
            to.line([(x, 152), (x + 5, 144), (x - 3, 136), (x + 2, 126)], (255, 255, 255, 130), 3)
    else:
        to.oval(200, 272, 86, 15, "#6b4226")
        to.line([(150, 204), (146, 240), (152, 270)], "#6b4226", 9)
    to.box(130, 206, 92, 9, STEEL, round=3)


def reader(to: Sheet, mended: bool) -> None:
    """The card reader at a door."""
    to.box(238, 0, 162, 300, "#cfc6b8")
    to.box(254, 0, 146, 300, to.pick(WOODS))
    to.box(266, 128, 10, 52, STEEL, round=4)
    to.box(266, 144, 40, 8, "#c8d0d6", round=3)
    to.box(116, 68, 92, 136, INK, round=12)
    light = GREEN if mended else RED
    to.box(130, 82, 64, 10, light, round=5)
    to.box(124, 76, 76, 22, (*((63, 156, 95) if mended else (209, 73, 63)), 60), round=10)
    for r in (30, 20, 10):
        to.ring(162, 146, r, "#6f7780", 3)
    to.shape([(20, 214), (128, 152), (160, 206), (52, 270)], WHITE)
    to.shape([(20, 214), (128, 152), (137, 167), (29, 229)], BLUE)
    to.shape([(48, 236), (78, 219), (92, 243), (62, 260)], "#d7a98a")
    if not mended:
        to.cross(162, 230, 11)
    else:
        to.tick(162, 230, 13)


def plate(to: Sheet, mended: bool) -> None:
    """What stands on the back of a device; a close look, for colleagues."""
    to.box(0, 0, 400, 300, to.pick(("#4b535d", "#5a5f57", "#6b6f75")))
    for n in range(9):
        to.box(0, 12 + n * 34, 46, 10, (0, 0, 0, 70), round=5)
    to.box(84, 56, 276, 190, (0, 0, 0, 60), round=6)
    to.box(78, 50, 276, 190, "#e8e9e4", round=6)
    for x, y in ((90, 62), (342, 62), (90, 228), (342, 228)):
        to.oval(x, y, 4.5, 4.5, STEEL)
    to.text(216, 80, to.pick(("MODEL KX-240", "TYPE VR 80/2", "MODELL HZ-15")), 22)
    to.text(216, 116, f"S/N {to.rng.randrange(10**7, 10**8)}", 18)
    to.text(216, 144, "230 V ~ 50 Hz   1.4 A", 14)
    for n in range(30):
        to.box(110 + n * 7, 168, to.rng.choice((1.5, 3, 4.5)), 46, INK)
    if mended:
        to.box(250, 200, 96, 34, "#9fd3b4", round=4)
        to.text(298, 217, "CHECKED", 13)


def floor(to: Sheet, mended: bool) -> None:
    """Something was spilled, and nobody came."""
    to.box(0, 0, 400, 300, "#cfd3d0")
    to.box(0, 0, 400, 74, to.pick(WALLS))
    to.box(0, 68, 400, 8, WHITE)
    for n in range(-4, 9):
        to.line([(200 + (n - 2) * 52, 76), (200 + (n - 2) * 130, 300)], "#b5bab6", 1.5)
    for y in (98, 132, 182, 248):
        to.line([(0, y), (400, y)], "#b5bab6", 1.5)
    if not mended:
        fill = to.pick(("#7a5234", "#9a4f55", "#7f7a4a"))
        for x, y, rx, ry in ((190, 210, 92, 36), (262, 226, 60, 24), (128, 236, 46, 18), (300, 180, 18, 8)):
            to.oval(x, y, rx, ry, fill)
        to.shape([(98, 196), (150, 178), (158, 194), (106, 212)], WHITE)
        to.oval(154, 186, 7, 10, "#e3e3df")
        return
    to.oval(212, 216, 120, 40, (255, 255, 255, 90))
    to.shape([(196, 250), (236, 128), (276, 250)], YELLOW)
    to.shape([(236, 128), (276, 250), (300, 240), (244, 128)], "#d9a93a")
    to.text(236, 222, "!", 44)


SCENES: dict[str, Callable[[Sheet, bool], None]] = {
    scene.__name__.rstrip("_"): scene
    for scene in (
        ceiling, corridor, door, screen, bin_, sign, projector, radiator, printer, chair, tap, socket, lift, path,
        antenna, machine, reader, plate, floor,
    )
}  # fmt: skip


# --- photos of them ---------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _lens() -> Image.Image:
    """Darker towards the corners, as photos are."""
    round_ = Image.radial_gradient("L").resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    return Image.merge("RGB", [round_.point([255 - max(0, value - 96) * 2 // 5 for value in range(256)])] * 3)


def sketch(photo: Photo) -> Image.Image:
    """A scene as it is drawn, before it is made into a photo."""
    to = Sheet(photo)
    SCENES[photo.scene](to, photo.mended)
    # nobody stands in the same place twice
    part = 1 - 0.16 * random.Random(repr(photo)).random()
    x, y = (to.rng.random() * side * (1 - part) for side in to.image.size)
    framed = (x, y, x + to.image.width * part, y + to.image.height * part)
    seen = to.image.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, framed, reducing_gap=1.0)
    return ImageChops.multiply(seen, _lens())


_pool = ThreadPoolExecutor(1)
"""Most of it is done without the interpreter's lock, while tickets are written."""


@cache
def begin(photo: Photo) -> Future[Remade]:
    """Have it drawn, once."""
    return _pool.submit(_make, photo)


def _make(photo: Photo) -> Remade:
    made, thumbnail, (width, height) = images_child.made_of(sketch(photo))
    return Remade(made, thumbnail, width, height)


def drawn(photo: Photo) -> Remade:
    """What the worker would have made of it."""
    return begin(photo).result()
