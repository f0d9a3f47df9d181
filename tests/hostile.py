"""Files that somebody might upload: pictures of every kind, and what only looks like one."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from PIL import Image

MIB = 1024 * 1024


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def halves(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), "red")
    image.paste((0, 0, 255), (width // 2, 0, width, height))
    return image.convert(mode)


def striped(frames: int) -> list[Image.Image]:
    """Pictures that differ, so that none is left out."""
    return [Image.new("L", (8, 8), 4 * number).convert("RGB") for number in range(frames)]


# --- by hand ----------------------------------------------------------------------------------------------------------


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int = 1, height: int = 1, *more: bytes, pixels: bytes | None = None) -> bytes:
    """A grey one, with chunks before its pixels."""
    rows = zlib.compress(b"\0" * 100) if pixels is None else pixels
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", rows) + chunk(b"IEND")


def packed(size: int) -> bytes:
    return zlib.compress(b"x" * size, 9)


def gif(frame: bytes = b"", times: int = 1, width: int = 1, height: int = 1) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    one = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return head + (frame or one) * times + b"\x3b"


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    inner = b"WEBP" + b"".join(k + struct.pack("<I", len(b)) + b + b"\0" * (len(b) % 2) for k, b in chunks)
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def webp_of(width: int, height: int) -> bytes:
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return riff((b"VP8X", b"\x10\0\0\0" + size), (b"VP8 ", b"\0" * 20))


def jpeg_of(width: int, height: int) -> bytes:
    """The header of a small one says that it is another size."""
    data = bytearray(saved(halves(), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><html><script>alert(document.domain)</script></html>"
APPENDED = b"PK\x03\x04 META-INF/canary.class <script>canary</script>"

TAKEN: dict[str, bytes] = {
    "png": saved(halves(), "PNG"),
    "png, palette": saved(halves().quantize(4), "PNG"),
    "png, palette with transparency": saved(halves().quantize(4), "PNG", transparency=0),
    "png, one transparent colour": saved(halves(), "PNG", transparency=(255, 0, 0)),
    "png, alpha": saved(halves(mode="RGBA"), "PNG"),
    "png, grey and alpha": saved(halves(mode="LA"), "PNG"),
    "png, 16 bit": saved(Image.new("I;16", (60, 40), 40_000), "PNG"),
    "png, black and white": saved(halves(mode="1"), "PNG"),
    "png, animated": saved(halves(), "PNG", save_all=True, append_images=[halves().rotate(180)]),
    "jpeg": saved(halves(), "JPEG"),
    "jpeg, progressive": saved(halves(), "JPEG", progressive=True),
    "jpeg, grey": saved(halves(mode="L"), "JPEG"),
    "jpeg, cmyk": saved(halves(mode="CMYK"), "JPEG"),
    "jpeg, several": saved(halves(), "MPO", save_all=True, append_images=[halves()]),
    "jpeg, empty exif": saved(halves(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"),
    "gif": saved(halves(), "GIF"),
    "gif, animated": saved(halves(), "GIF", save_all=True, append_images=[halves().rotate(180)]),
    "gif, no end": saved(halves(), "GIF")[:-1],
    "webp": saved(halves(), "WEBP"),
    "webp, lossless": saved(halves(), "WEBP", lossless=True),
    "webp, alpha": saved(halves(mode="RGBA"), "WEBP", exif=Image.Exif()),
    "webp, animated": saved(halves(), "WEBP", save_all=True, append_images=[halves().rotate(180)]),
    "gif and archive": saved(halves(), "GIF") + APPENDED,
    "jpeg and page": saved(halves(), "JPEG") + HTML + APPENDED,
    "png and page": saved(halves(), "PNG") + HTML + APPENDED,
    "webp and page": saved(halves(), "WEBP") + HTML + APPENDED,
}
"""Pictures of 60 × 40 pixels."""


class Files(dict[str, Any]):
    """Those that take long to make are made when they are asked for: every process of the suite reads this module."""

    def __getitem__(self, kind: str) -> Any:
        data, why = super().__getitem__(kind)
        return (data() if callable(data) else data), why


REFUSED: Mapping[str, tuple[bytes, str]] = Files({
    "nothing": (b"", "empty"),
    "svg": (SVG, "not a picture"),
    "page": (HTML, "not a picture"),
    "archive": (b"PK\x03\x04" + b"\0" * 100, "not a picture"),
    "pdf": (b"%PDF-1.7\n", "not a picture"),
    "bitmap": (saved(halves(), "BMP"), "not a picture"),
    "tiff": (saved(halves(), "TIFF"), "not a picture"),
    "heic": (b"\0\0\0\x18ftypheic" + b"\0" * 100, "HEIC"),
    "text that begins as a gif": (b"GIF89a=alert(1)//", "damaged"),
    "png, 13000 × 13000": (lambda: saved(Image.new("1", (13_000, 13_000)), "PNG", compress_level=9), "13000 × 13000"),
    "png, 2³¹": (png(2**31 - 1, 2**31 - 1), "megapixels"),
    "png, no size": (png(0, 5), "no size"),
    "png, no pixels": (png()[:33] + chunk(b"IEND"), "damaged"),
    "png, no header": (b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT"), "damaged"),
    "png, cut": (saved(halves(), "PNG")[:-20], "damaged"),
    "png, cut in a length": (saved(halves(), "PNG")[:-10], "damaged"),
    "png, 80 MB of text": (lambda: png(1, 1, chunk(b"zTXt", b"a\0\0" + packed(80 * MIB))), "more than a picture"),
    "png, 80 MB of XMP": (
        lambda: png(1, 1, chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0\xc3\xbc\0" + packed(80 * MIB))), "more than a picture",
    ),
    "png, 80 MB of colours": (lambda: png(1, 1, chunk(b"iCCP", b"ICC\0\0" + packed(80 * MIB))), "more than a picture"),
    "png, 70 texts of 1 MB": (lambda: png(1, 1, chunk(b"zTXt", b"a\0\0" + packed(MIB)) * 70), "more than a picture"),
    "png, texts of 2 MB that break at their end": (
        lambda: png(1, 1, chunk(b"zTXt", b"a\0\0" + packed(2 * MIB - 70_000)[:-6] + b"\xff" * 6) * 4000),
        "more than a picture",
    ),
    "png, text of 3 MB": (lambda: png(1, 1, chunk(b"zTXt", b"a\0\0" + b"x" * 3 * MIB)), "more than a picture"),
    "png, a million chunks": (lambda: png(1, 1, chunk(b"prVt") * 800_000), "too many pieces"),
    "png, too many frames": (png(1, 1, chunk(b"acTL", struct.pack(">II", 61, 0))), "60 frames"),
    "png, animated for too long": (
        lambda: saved(striped(61)[0], "PNG", save_all=True, append_images=striped(61)[1:], default_image=False), "60 frames",
    ),
    "jpeg, cut": (saved(halves(400, 400), "JPEG")[:-200], "damaged"),
    "jpeg, cut in its header": (saved(halves(), "JPEG")[:30], "damaged"),
    "jpeg, 60000 × 60000": (jpeg_of(60_000, 60_000), "megapixels"),
    "jpeg, no size": (jpeg_of(0, 0), "no size"),
    "jpeg, empty segments": (lambda: b"\xff\xd8" + b"\xff\xe0\0\2" * (2 * MIB), "too many pieces"),
    "jpeg, padding": (lambda: b"\xff\xd8" + b"\xff" * (9 * MIB), "too many pieces"),
    "jpeg, something else inside": (b"\xff\xd8\xff\xe0\0\4ab" + b"nonsense", "damaged"),
    "jpeg, no picture": (b"\xff\xd8\xff\xda\0\2\xff\xd9", "damaged"),
    "gif, cut": (saved(halves(400, 400), "GIF")[:-30], "damaged"),
    "gif, no frame": (gif(times=0), "damaged"),
    "gif, 65535 × 65535": (gif(width=65_535, height=65_535), "megapixels"),
    "gif, a frame larger than it": (gif(b"\x2c" + struct.pack("<HHHHB", 60_000, 60_000, 9, 9, 0) + b"\2\0"), "megapixels"),
    "gif, 600,000 frames": (lambda: gif(times=600_000), "60 frames"),
    "gif, a comment of millions": (lambda: gif(b"\x21\xfe" + b"\1a" * (4 * MIB) + b"\0"), "too many pieces"),
    "webp, cut": (saved(halves(400, 400), "WEBP")[:-20], "damaged"),
    "webp, 16383 × 16383": (webp_of(16_383, 16_383), "megapixels"),
    "webp, lossless, large": (riff((b"VP8L", b"\x2f\xff\xff\xff\x0f")), "megapixels"),
    "webp, nothing in it": (riff((b"EXIF", b"abc")), "damaged"),
    "webp, chunk out of bounds": (riff((b"VP8X", b"\0" * 10)).replace(b"VP8X\x0a", b"VP8X\xff"), "damaged"),
    "webp, too many frames": (riff((b"VP8X", b"\2" + b"\0" * 9), *[(b"ANMF", b"\0" * 16)] * 61), "60 frames"),
    "webp, a million chunks": (lambda: riff(*[(b"abcd", b"")] * 400_000), "too many pieces"),
})  # fmt: skip
"""What is said no to while it is sent, and a word of why."""

REJECTED: dict[str, bytes] = {
    "png, pixels that are none": png(100, 100, pixels=b"nonsense"),
    "webp, pixels that are none": webp_of(100, 100),
    "gif, pixels that are none": gif(b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x0f\2\xff\xff\0"),
}
"""What only decoding shows."""
