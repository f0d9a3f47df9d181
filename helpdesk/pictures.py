"""What a file says of itself before anything is decoded: is it a picture, how large, whole?

Read here and not with Pillow, whose opening walks every segment, however many, and unpacks text on the way: ten
mebibytes of empty segments keep it busy for seconds. This stops after MAX_STEPS, unpacks at most MAX_TEXT_BYTES and
copies nothing. What it lets through is still untrusted: `images_child.py` decodes it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

MAX_PIXELS = 50_000_000
MAX_FRAMES = 60
MAX_STEPS = 200_000
"""Segments of a file. A whole GIF has one for each 255 bytes; other formats have far fewer."""
MAX_TEXT_BYTES = 2 * 1024 * 1024
"""What a picture's comments and colour profile may be when unpacked."""


class NotAPicture(Exception):
    """In words for whoever sent it."""


@dataclass(frozen=True)
class Looked:
    type: str
    width: int
    height: int


_UNKNOWN = "This is not a picture that can be shown here. Send a JPEG, PNG, WebP or GIF."
_CUT = "The picture is cut off or damaged. Send it again."
_TOO_MUCH = "The file holds far more than a picture."
_TOO_MANY = "The file is made of too many pieces to be a picture."


def look(data: bytes) -> Looked:
    """Raises NotAPicture, within a fraction of a second and without unpacking anything, whatever it is."""
    if not data:
        raise NotAPicture("The file is empty.")
    reader = next((reader for magic, reader in _FORMATS if magic.match(data)), None)
    if reader is None:
        raise NotAPicture(_UNKNOWN)
    try:
        kind, width, height, frames = reader(data)
    except (IndexError, ValueError):
        raise NotAPicture(_CUT) from None
    if not width or not height:
        raise NotAPicture("The picture has no size.")
    if width * height > MAX_PIXELS:
        raise NotAPicture(
            f"The picture has {width} × {height} pixels. At most {MAX_PIXELS // 10**6} megapixels can be taken."
        )
    if frames > MAX_FRAMES:
        raise NotAPicture(f"The picture moves for too long: at most {MAX_FRAMES} frames can be taken.")
    return Looked(kind, width, height)


Found = tuple[str, int, int, int]
"""Type, width, height, frames."""


class _Steps:
    """Counts the pieces of a file, so that no file takes long."""

    def __init__(self, data: bytes) -> None:
        self.data, self.left = data, MAX_STEPS

    def number(self, at: int, size: int, order: str = "big") -> int:
        """Raises IndexError where the file ends before it."""
        self.left -= 1
        if self.left < 0:
            raise NotAPicture(_TOO_MANY)
        if at + size > len(self.data):
            raise IndexError
        return int.from_bytes(self.data[at : at + size], order)  # type: ignore[arg-type]


def _png(data: bytes) -> Found:
    steps, at, frames, text_left, has_pixels = _Steps(data), 8, 1, MAX_TEXT_BYTES, False
    if data[12:16] != b"IHDR":
        raise ValueError
    width, height = steps.number(16, 4), steps.number(20, 4)
    while True:
        length, kind, body = steps.number(at, 4), data[at + 4 : at + 8], at + 8
        if body + length + 4 > len(data):
            raise IndexError
        if kind == b"IEND":
            break
        if kind == b"acTL":
            frames = max(frames, steps.number(body, 4))
        elif kind == b"IDAT":
            has_pixels = True
        elif kind in _PACKED:
            if length > text_left:
                raise NotAPicture(_TOO_MUCH)
            text_left -= _unpacked(_PACKED[kind](data[body : body + length]), text_left)
        at = body + length + 4
    if not has_pixels:
        raise ValueError
    return "image/png", width, height, frames


def _after_name(chunk: bytes) -> bytes:
    return chunk.partition(b"\0")[2][1:]


def _after_languages(chunk: bytes) -> bytes:
    rest = chunk.partition(b"\0")[2]
    return rest[2:].split(b"\0", 2)[-1] if rest[:1] == b"\1" else b""


_PACKED = {b"zTXt": _after_name, b"iCCP": _after_name, b"iTXt": _after_languages}
"""Chunks that hold something packed, and where in them."""


def _unpacked(packed: bytes, at_most: int) -> int:
    """How many bytes it becomes. Raises NotAPicture where that is more than it may, before they are made."""
    unpacker = zlib.decompressobj()
    try:
        found = len(unpacker.decompress(packed, at_most + 1))
    except zlib.error:  # how much it was before it broke is not known
        return at_most
    if found > at_most:
        raise NotAPicture(_TOO_MUCH)
    return found


def _jpeg(data: bytes) -> Found:
    steps, at, size = _Steps(data), 2, None
    while True:
        if steps.number(at, 1) != 0xFF:
            raise ValueError
        marker = steps.number(at + 1, 1)
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == 0xDA:
            break
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            size = steps.number(at + 7, 2), steps.number(at + 5, 2)
        at += 2 if marker == 0x01 or 0xD0 <= marker <= 0xD7 else 2 + max(2, steps.number(at + 2, 2))
    # in what follows a 0xFF is escaped, so that this can be nothing but the end
    if size is None or data.find(b"\xff\xd9", at) < 0:
        raise ValueError
    return "image/jpeg", *size, 1


def _gif(data: bytes) -> Found:
    steps = _Steps(data)
    width, height = (steps.number(at, 2, "little") for at in (6, 8))
    at, frames = 13 + _colours(data[10]), 0
    while at < len(data):  # not every program writes the mark of the end
        kind = data[at]
        if kind == 0x3B:
            break
        if kind == 0x2C:
            frames += 1
            left, top, across, down = (steps.number(at + n, 2, "little") for n in (1, 3, 5, 7))
            if frames == 1:
                width, height = max(width, left + across), max(height, top + down)
            elif frames > MAX_FRAMES:
                break
            at += 11 + _colours(data[at + 9])
        elif kind == 0x21:
            at += 2
        else:
            raise ValueError
        while length := steps.number(at, 1):
            at += 1 + length
        at += 1
    if not frames:
        raise ValueError
    return "image/gif", width, height, frames


def _colours(flags: int) -> int:
    """The size of the table of colours that follows, if one does."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(data: bytes) -> Found:
    steps = _Steps(data)
    end = 8 + steps.number(4, 4, "little")
    if end > len(data):
        raise IndexError
    size, at, frames = None, 12, 0
    while at + 8 <= end:
        kind, length, body = data[at : at + 4], steps.number(at + 4, 4, "little"), at + 8
        if body + length > end:
            raise IndexError
        if kind == b"VP8X":
            size = size or (1 + steps.number(body + 4, 3, "little"), 1 + steps.number(body + 7, 3, "little"))
        elif kind == b"VP8 ":
            across, down = (steps.number(body + n, 2, "little") & 0x3FFF for n in (6, 8))
            size = size or (across, down)
        elif kind == b"VP8L":
            packed = steps.number(body + 1, 4, "little")
            size = size or (1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
        elif kind == b"ANMF":
            frames += 1
        at = body + length + length % 2
    if size is None:
        raise ValueError
    return "image/webp", *size, max(1, frames)


def _heif(data: bytes) -> Found:
    """The largest of the sizes that it lists: a picture made of tiles lists theirs, too."""
    if find_spec("pillow_heif") is None:
        raise NotAPicture("HEIC pictures cannot be read here. Send it as a JPEG.")
    steps = _Steps(data)
    sizes = [(steps.number(at + 8, 4), steps.number(at + 12, 4)) for at in _boxes(data, b"ispe")]
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return "image/heic", width, height, 1


def _boxes(data: bytes, name: bytes) -> Iterator[int]:
    at = data.find(name)
    for _ in range(MAX_STEPS):
        if at < 0:
            return
        yield at
        at = data.find(name, at + 4)


_FORMATS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), _png),
    (re.compile(rb"\xff\xd8\xff"), _jpeg),
    (re.compile(rb"GIF8[79]a"), _gif),
    (re.compile(rb"RIFF....WEBP", re.S), _webp),
    (re.compile(rb"....ftyp(?:hei[cmsx]|hev[cmx]|mif1)", re.S), _heif),
)
