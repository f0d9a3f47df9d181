"""Decodes one photo in a process of its own, where nothing is at hand: no secrets, no files, no network, little memory.

    python -I helpdesk/images_child.py < photo > result

The result is a line of JSON, then the photo and its thumbnail, made anew: upright, as WebP, with nothing of the file
but its pixels. `{"reason": …}` alone where it cannot be decoded. Imports nothing of ours: what a picture may do to a
decoder, it does out of reach of everything.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import Any

from PIL import Image, PngImagePlugin

LONG_SIDE, THUMBNAIL_SIDE = 2560, 480
QUALITY = 80
THUMBNAIL_BYTES = 12_000
THUMBNAIL_QUALITIES = (60, 45, 30, 15, 5)
"""Tried in this order: a list may show a hundred of them."""
MEMORY_BYTES = 1024**3
"""Of addresses. What a WebP of 50 megapixels takes, which its library decodes twice over; a JPEG takes a tenth."""
CPU_SECONDS = 30
FORMATS = ["JPEG", "PNG", "WEBP", "GIF"]
DAMAGED = "The picture is damaged: it cannot be shown."
TOO_LARGE = "The picture takes too much memory to be shown. Send it smaller."

Image.MAX_IMAGE_PIXELS = None  # helpdesk/pictures.py has looked, and the memory is limited
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 4 * 1024 * 1024


def main() -> None:
    """Standard input to standard output."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        pass
    else:
        register_heif_opener(thumbnails=False)
        FORMATS.append("HEIF")
    data = sys.stdin.buffer.read()
    _rehearse()
    _lock_up()
    try:
        photo, thumbnail, (width, height) = remake(data)
        said: dict[str, Any] = {"width": width, "height": height, "sizes": [len(photo), len(thumbnail)]}
        parts = [photo, thumbnail]
    except MemoryError:
        said, parts = {"reason": TOO_LARGE}, []
    except Exception:  # whatever a decoder says of what is no picture
        said, parts = {"reason": DAMAGED}, []
    sys.stdout.buffer.write(b"".join([json.dumps(said).encode(), b"\n", *parts]))


def _rehearse() -> None:
    """Pillow imports much only when it needs it, and after `_lock_up` no file can be opened."""
    Image.init()
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    for kind in ("JPEG", "MPO", "PNG", "WEBP", "GIF"):
        out = io.BytesIO()
        tiny = Image.new("P" if kind in ("PNG", "GIF") else "RGB", (2, 2))
        tiny.save(out, kind, exif=exif, **({"transparency": 0} if tiny.mode == "P" else {}))
        remake(out.getvalue())


def _lock_up() -> None:
    """From here on: no more files or sockets, no more memory or time than these."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 3),
    ):
        resource.setrlimit(what, (most, most))


def remake(data: bytes) -> tuple[bytes, bytes, tuple[int, int]]:
    """The photo and its thumbnail as WebP, and the photo's width and height. Raises anything for what is none."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        opened.draft(None, _within(opened.size, LONG_SIDE))  # JPEG: decodes half of it, or less, where that is enough
        opened.load()
        image: Image.Image = _in_full_colour(opened)
        size = _within(image.size, LONG_SIDE)
        if size != image.size:
            image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
        image = _upright(opened, image)
    return made_of(image)


def made_of(image: Image.Image) -> tuple[bytes, bytes, tuple[int, int]]:
    """What is kept of these pixels."""
    image = _plain(image)
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return _webp(image, QUALITY, method=4), _within_bytes(small), image.size


def _within_bytes(image: Image.Image) -> bytes:
    """The best that fits into THUMBNAIL_BYTES, or else the smallest."""
    *better, worst = THUMBNAIL_QUALITIES
    tries = (_webp(image, quality, method=6) for quality in better)
    return next((found for found in tries if len(found) <= THUMBNAIL_BYTES), None) or _webp(image, worst, method=6)


def _within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """The same shape, no longer than `side`, never larger than it is."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _in_full_colour(image: Image.Image) -> Image.Image:
    """What cannot be made smaller as it is: palettes, black and white, 16 bits, one colour that is transparent."""
    if image.mode in ("RGBA", "LA", "CMYK") or (image.mode in ("RGB", "L") and not image.has_transparency_data):
        return image
    if image.mode.startswith("I"):  # 16 bits, which Pillow by itself cuts off where it should divide
        return image.convert("I").point([value >> 8 for value in range(65536)], "L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _upright(opened: Image.Image, image: Image.Image) -> Image.Image:
    """Turned as its EXIF says; what cannot be read of that says nothing."""
    try:
        orientation = opened.getexif().get(ORIENTATION, 1)
    except Exception:
        return image
    turn = TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _plain(image: Image.Image) -> Image.Image:
    """Its pixels on a fresh sheet, which knows nothing of where they came from."""
    image = image.convert("RGBA" if image.mode in ("RGBA", "LA") else "RGB")
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    fresh = Image.new(image.mode, image.size)
    fresh.paste(image)
    return fresh


def _webp(image: Image.Image, quality: int, *, method: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=method)
    return out.getvalue()


if __name__ == "__main__":
    main()
