"""What photos cost: memory of the worker that takes 50 megapixels, of the server that refuses a bomb, and thumbnails.

Starts the server under Granian (one worker) and `flask work`, and reads peaks of memory from /proc: Linux only.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

from list_cpu import ROOT, serve
from PIL import Image

sys.path.insert(0, str(ROOT))
from helpdesk import images_child

LARGE = (8660, 5773)
THUMBNAILS = 40
MIB = 1024 * 1024


# --- pictures ---------------------------------------------------------------------------------------------------------


def like_a_photo(width: int, height: int, seed: int) -> Image.Image:
    """Light and shade of every size, edges, and the grain of a sensor: it compresses as photos do."""
    random.seed(seed)
    picture = Image.new("RGB", (width, height), tuple(random.randrange(60, 200) for _ in range(3)))
    for cells in (2, 4, 8, 16, 32, 64, 128, 256, 512):
        small = (cells, max(2, cells * height // width))
        bands = [Image.effect_noise(small, 90).resize((width, height), Image.Resampling.BICUBIC) for _ in range(3)]
        picture = Image.blend(picture, Image.merge("RGB", bands), 0.3 if cells < 64 else 0.15)
    for _ in range(40):  # things with edges
        left, top = random.randrange(width), random.randrange(height)
        box = (left, top, left + random.randrange(10, width // 4), top + random.randrange(10, height // 4))
        shade = Image.new("RGB", (box[2] - box[0], box[3] - box[1]), tuple(random.randrange(256) for _ in range(3)))
        picture.paste(Image.blend(shade, picture.crop(box), 0.4), box[:2])
    grain = Image.merge("RGB", [Image.effect_noise((width, height), 12) for _ in range(3)])
    return Image.blend(picture, grain, 0.1)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND")


def bombs() -> dict[str, bytes]:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x44\1\0"
    return {
        "PNG of 13000 × 13000": saved(Image.new("1", (13_000, 13_000)), "PNG"),
        "PNG with 80 MB of text": png(chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 80 * MIB))),
        "PNG of 800,000 chunks": png(chunk(b"prVt") * 800_000),
        "JPEG of 2.5 million segments": b"\xff\xd8" + b"\xff\xe0\0\2" * (10 * MIB // 4 - 2),
        "JPEG padded with 10 MB": b"\xff\xd8" + b"\xff" * (10 * MIB - 2),
        "GIF of 600,000 frames": b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + frame * 600_000 + b"\x3b",
        "no picture, 10 MB": b"\0" * (10 * MIB),
        "11 MB": b"\0" * (11 * MIB),
    }


# --- processes --------------------------------------------------------------------------------------------------------


def family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [one for child in task.read_text().split() for one in family(int(child))]
    return found


def status(pid: int, name: str) -> int:
    """Bytes of `VmHWM` (the peak) or `VmRSS`."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), 0)


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


class Client:
    def __init__(self, port: int) -> None:
        self.port, self.token = port, ""
        self.token = json.loads(
            self.ask(
                "POST", "/api/auth/login", b'{"identifier": "customer", "password": "campus-demo"}', "application/json"
            )[1]
        )["access_token"]

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        headers = {"Content-Type": kind} if kind else {}
        try:
            connection.request(
                method, path, body, headers | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (BrokenPipeError, ConnectionResetError):  # the answer came before the body was sent
            return 413, b""
        finally:
            connection.close()

    def uploads(self, picture: bytes) -> tuple[int, bytes]:
        head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        body = head + picture + b"\r\n--b--\r\n"
        return self.ask("POST", "/api/uploads", body, "multipart/form-data; boundary=b")


def refuse(client: Client, server: int) -> None:
    print("refusing, server process: growth of its memory at the worst moment, seconds")
    client.uploads(saved(like_a_photo(64, 64, 0), "PNG"))
    for name, bomb in bombs().items():
        before = {pid: status(pid, "VmRSS") for pid in family(server)}
        for pid in before:
            forget_peak(pid)
        began = time.perf_counter()
        code, _ = client.uploads(bomb)
        took = time.perf_counter() - began
        growth = max(status(pid, "VmHWM") - rss for pid, rss in before.items())
        print(f"  {name:30} {len(bomb) / 1e6:5.1f} MB  {code}  {growth / MIB:6.1f} MiB  {took:5.2f} s")


def take(client: Client, environment: dict[str, str], pictures: dict[str, bytes]) -> None:
    print(f"50 megapixels ({LARGE[0]} × {LARGE[1]}), peaks of resident memory of the worker and of its child")
    command = [sys.executable, "-m", "flask", "--app", "app", "work"]
    for name, picture in pictures.items():
        number = json.loads(client.uploads(picture)[1])["id"]
        began = time.perf_counter()
        worker = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment})
        peaks = {"worker": 0, "child": 0}
        seen, gone = 0.0, 0.0
        while client.ask("GET", f"/api/images/{number}/thumbnail")[0] != 200 and time.perf_counter() - began < 90:
            children = family(worker.pid)[1:]
            peaks["worker"] = max(peaks["worker"], status(worker.pid, "VmHWM"))
            # a child that has not begun to be Python yet is a copy of the worker
            running = [pid for pid in children if b"images_child" in _command(pid)]
            if running:
                seen, gone = seen or time.perf_counter(), time.perf_counter()
                peaks["child"] = max(peaks["child"], *(status(pid, "VmHWM") for pid in running))
            time.sleep(0.002)
        peaks["worker"] = max(peaks["worker"], status(worker.pid, "VmHWM"))
        worker.terminate()
        worker.wait(timeout=20)
        said = "  ".join(f"{who} {peak / MIB:4.0f} MiB" for who, peak in peaks.items())
        print(f"  {name:18} {len(picture) / 1e6:5.1f} MB  {said}  {gone - seen:4.1f} s")


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def thumbnails() -> None:
    sizes, photos = [], []
    for seed in range(THUMBNAILS):
        width, height = (1600, 1200) if seed % 3 else (1200, 1600)
        photo, thumbnail, _ = images_child.remake(saved(like_a_photo(width, height, seed), "JPEG", quality=90))
        sizes.append(len(thumbnail))
        photos.append(len(photo))
    mean = sum(sizes) / len(sizes)
    print(
        f"thumbnails of {THUMBNAILS} pictures like photos: "
        f"mean {mean / 1000:.1f} kB, largest {max(sizes) / 1000:.1f} kB"
    )
    print(f"the photos themselves, of 1600 × 1200: mean {sum(photos) / len(photos) / 1000:.0f} kB")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {
            "DATABASE_URL": os.environ.get("DATABASE_URL", f"sqlite:///{folder / 'bench.db'}"),
            "SECRET_KEY": "a-key-for-benchmarks-only-0123456789",
            "BCRYPT_ROUNDS": "4",
            "LOG_LEVEL": "ERROR",
        }
        for script in ("setup_db.py", "insert_dummy_data.py"):
            subprocess.run(
                [sys.executable, ROOT / script],
                env={**os.environ, **environment},
                check=True,
                stdout=subprocess.DEVNULL,
            )
        work = [sys.executable, "-m", "flask", "--app", "app", "work", "--once"]
        subprocess.run(work, cwd=ROOT, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)
        server, port = serve("app:create_app", environment, ROOT)
        try:
            client = Client(port)
            refuse(client, server.pid)
            large = like_a_photo(*LARGE, seed=1)
            take(
                client,
                environment,
                {
                    "JPEG": saved(large, "JPEG", quality=85),
                    "JPEG, progressive": saved(large, "JPEG", quality=80, progressive=True, subsampling=0),
                    "WebP": saved(large, "WEBP", quality=60, method=0),
                },
            )
        finally:
            server.terminate()
            server.wait(timeout=10)
        thumbnails()


if __name__ == "__main__":
    main()
