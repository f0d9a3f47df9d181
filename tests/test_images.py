"""Photos: what is taken and what is not, what becomes of it, who sees it, and that it goes when its time has come."""

from __future__ import annotations

import hashlib
import io
import logging
import re
import subprocess
import sys
import time
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from PIL import Image as Pillow
from PIL.TiffImagePlugin import IFDRational
from sqlalchemy import func, insert, select, update

import blueprints.images
from helpdesk import images, images_child, jobs, pictures, policy
from helpdesk.errors import NotSignedIn
from helpdesk.limits import Limit
from helpdesk.settings import ROOT
from models import Event, Image, ImageBlob, ImageState, Job, JobState, Role, begin_write, db, now
from tests.conftest import statements
from tests.doors import recorded
from tests.factories import Person, a_picture, a_report, form, made_ready, work
from tests.hostile import APPENDED, REFUSED, REJECTED, TAKEN, halves, saved
from tests.world import World, state


@pytest.fixture
def world(app: Flask) -> World:
    return World(app)


def row(image_id: int) -> Any:
    db.session.remove()
    return db.session.execute(select(*Image.__table__.columns).where(Image.id == image_id)).one_or_none()


def kinds(image_id: int) -> set[str]:
    db.session.remove()
    return set(db.session.scalars(select(ImageBlob.kind).where(ImageBlob.image_id == image_id)))


def count() -> int:
    db.session.remove()
    return db.session.scalar(select(func.count()).select_from(Image)) or 0


def opened(person: Person, image_id: int, part: str = "") -> Pillow.Image:
    response = person.get(f"/api/images/{image_id}{part}")
    assert response.status_code == 200, response.get_data(as_text=True)
    found = Pillow.open(io.BytesIO(response.data))
    assert found.format == "WEBP"
    return found


def is_nearly(pixel: Any, wanted: tuple[int, ...]) -> bool:
    return all(abs(a - b) < 40 for a, b in zip(pixel, wanted, strict=False))


# --- what is taken ----------------------------------------------------------------------------------------------------


def test_a_photo_is_ones_own_until_it_is_ready_and_tied(world: World) -> None:
    response = world.reporter.open("POST", "/api/uploads", **form(TAKEN["jpeg"]))
    assert response.status_code == 201
    number = response.json["id"]
    assert response.json == {
        "id": number, "state": "processing", "width": 60, "height": 40, "size_bytes": len(TAKEN["jpeg"]),
        "type": "image/jpeg",
    }  # fmt: skip
    assert response.headers["Location"] == f"/api/images/{number}"
    for part in ("", "/thumbnail"):
        waiting = world.reporter.get(f"/api/images/{number}{part}")
        assert (waiting.status_code, waiting.json["type"]) == (404, "urn:campus-helpdesk:problem:not-ready")
    assert kinds(number) == {"original"}
    work()
    assert kinds(number) == {"photo", "thumbnail"}
    for who, code in (("reporter", 200), ("agent", 404), ("admin", 404), ("other", 404), ("anonymous", 401)):
        assert world.people[who].get(f"/api/images/{number}").status_code == code, who
    ticket = world.reporter.reports(images=[number])
    assert world.agent.get(f"/api/images/{number}").status_code == 200
    (listed,) = world.agent.get(f"/api/tickets/{ticket}/images").json["items"]
    assert (listed["id"], listed["state"], listed["comment_id"], listed["type"]) == (number, "ready", None, images.TYPE)
    assert listed["size_bytes"] == len(world.agent.get(f"/api/images/{number}").data)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize("kind", TAKEN)
def test_pictures_of_every_kind_become_one_kind(kind: str) -> None:
    looked = pictures.look(TAKEN[kind])
    assert (looked.width, looked.height) == (60, 40)
    photo, thumbnail, size = images_child.remake(TAKEN[kind])
    assert size == (60, 40)
    for made in (photo, thumbnail):
        found = Pillow.open(io.BytesIO(made))
        assert (found.format, found.size, getattr(found, "n_frames", 1)) == ("WEBP", (60, 40), 1)
        assert not found.info.keys() & {"exif", "icc_profile", "xmp"}
        assert b"canary" not in made
    pixels = found.convert("RGBA")
    if "16" in kind:
        assert is_nearly(pixels.getpixel((10, 20)), (156, 156, 156))
    elif "grey" not in kind and "black" not in kind and "transparen" not in kind:
        assert is_nearly(pixels.getpixel((10, 20)), (255, 0, 0))
        assert is_nearly(pixels.getpixel((50, 20)), (0, 0, 255))
    if "transparen" in kind:
        assert {pixels.getpixel((10, 20))[3], pixels.getpixel((50, 20))[3]} == {0, 255}


def test_a_child_makes_what_somebody_sent(world: World) -> None:
    sent = ["png, palette with transparency", "jpeg, several", "gif, animated", "webp, alpha", "gif and archive"]
    numbers = {kind: world.reporter.uploads(TAKEN[kind], ready=False) for kind in sent}
    work()
    assert {kind: row(number).state for kind, number in numbers.items()} == dict.fromkeys(sent, ImageState.READY)
    assert opened(world.reporter, numbers["gif and archive"]).size == (60, 40)


def test_a_pixel_is_a_picture(world: World) -> None:
    number = world.reporter.uploads(a_picture(1, 1), ready=False)
    work()
    assert opened(world.reporter, number).size == opened(world.reporter, number, "/thumbnail").size == (1, 1)


def test_large_ones_are_made_small_and_small_ones_are_not_made_large(world: World) -> None:
    for size, photo, thumbnail in (
        ((6000, 4000), (2560, 1707), (480, 320)), ((300, 3000), (256, 2560), (48, 480)), ((500, 400), (500, 400), (480, 384)),
    ):  # fmt: skip
        number = world.reporter.uploads(saved(Pillow.new("RGB", size), "JPEG"), ready=False)
        work()
        assert opened(world.reporter, number).size == photo
        assert opened(world.reporter, number, "/thumbnail").size == thumbnail
        assert (row(number).width, row(number).height) == photo


def test_noise_has_a_small_thumbnail_too() -> None:
    noise = Pillow.merge("RGB", [Pillow.effect_noise((480, 480), 200)] * 3)
    _, thumbnail, _ = images_child.remake(saved(noise, "PNG"))
    worst = images_child._webp(noise, images_child.THUMBNAIL_QUALITIES[-1], method=6)
    assert len(thumbnail) <= max(images_child.THUMBNAIL_BYTES, len(worst))


# --- what the camera wrote into it ------------------------------------------------------------------------------------


def with_metadata(kind: str, orientation: int = 1) -> bytes:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "canary: description"
    exif[0x010F] = "canary: camera"
    exif.get_ifd(0x8825).update({1: "N", 2: (IFDRational(52), IFDRational(31), IFDRational(12)), 29: "canary: gps"})
    exif.get_ifd(0x8769)[0x9286] = b"canary: comment"
    more: dict[str, Any] = {"exif": exif, "icc_profile": b"canary: profile", "xmp": b"<x>canary: xmp</x>"}
    if kind == "JPEG":
        more["comment"] = b"canary: comment"
    data = saved(halves(), kind, **more)
    assert data.count(b"canary") >= 4  # PNG packs the others
    return data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_nothing_of_what_the_camera_wrote_is_left(world: World, kind: str) -> None:
    number = world.reporter.uploads(with_metadata(kind) + APPENDED, ready=False)
    work()
    for part in ("", "/thumbnail"):
        served = world.reporter.get(f"/api/images/{number}{part}").data
        assert b"canary" not in served
        assert not {b"EXIF", b"ICCP", b"XMP "} & set(re.findall(rb"EXIF|ICCP|XMP ", served))
        assert not Pillow.open(io.BytesIO(served)).getexif()
    db.session.remove()
    assert not [blob for blob in db.session.scalars(select(ImageBlob.data)) if b"canary" in blob]


@pytest.mark.parametrize("orientation", range(1, 10))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_it_stands_upright(kind: str, orientation: int) -> None:
    photo, _, size = images_child.remake(with_metadata(kind, orientation))
    found = Pillow.open(io.BytesIO(photo)).convert("RGB")
    assert size == found.size == ((40, 60) if 5 <= orientation <= 8 else (60, 40))
    red = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom", 9: "left"}
    at = {"left": (5, size[1] // 2), "right": (size[0] - 5, size[1] // 2), "top": (20, 5), "bottom": (20, 55)}
    assert is_nearly(found.getpixel(at[red[orientation]]), (255, 0, 0))


# --- what is not ------------------------------------------------------------------------------------------------------


@pytest.mark.once("refused before there is a row")
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_picture_is_refused_at_once_in_words_and_costs_nothing(world: World, kind: str) -> None:
    data, why = REFUSED[kind]
    number = world.ticket()
    before = state()
    request = form(data, filename="photo.png")
    began = time.process_time()
    response = world.reporter.open("POST", "/api/uploads", **request)
    assert time.process_time() - began < 1
    assert (response.status_code, response.mimetype) == (422, "application/problem+json")
    assert re.search(why, " ".join(response.json["errors"]["image"])), response.json
    tracemalloc.start()  # makes it several times as slow
    response = world.reporter.open("POST", f"/api/tickets/{number}/images", **request)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert response.status_code == 422
    assert peak < 64 * images.MEGABYTE
    assert state() == before


@pytest.mark.parametrize("kind", REFUSED)
def test_looking_takes_no_time(kind: str) -> None:
    """Beside what the same machine needs at the same moment to read as many bytes of text as are looked at."""
    data, _ = REFUSED[kind]
    began = time.process_time()
    for _ in range(2_000_000):
        int.from_bytes(b"\0\0\0\1", "big")
    allowed = time.process_time() - began
    began = time.process_time()
    with pytest.raises(pictures.NotAPicture):
        pictures.look(data)
    assert time.process_time() - began < 2 * allowed


@pytest.mark.parametrize("kind", REJECTED)
def test_what_only_decoding_shows_is_rejected_and_says_so(world: World, kind: str) -> None:
    ticket = world.ticket()
    number = world.reporter.uploads(REJECTED[kind], to=ticket, ready=False)
    work()
    assert (row(number).state, kinds(number)) == (ImageState.REJECTED, set())
    (listed,) = world.reporter.get(f"/api/tickets/{ticket}/images").json["items"]
    assert (listed["state"], listed["reason"]) == ("rejected", images_child.DAMAGED)
    refused = world.reporter.get(f"/api/images/{number}")
    assert (refused.status_code, refused.json["detail"]) == (404, images_child.DAMAGED)


def test_heic_is_taken_where_it_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = b"".join(
        b"\0\0\0\x14ispe\0\0\0\0" + w.to_bytes(4, "big") + h.to_bytes(4, "big") for w, h in ((512, 512), (4032, 3024))
    )
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + boxes
    monkeypatch.setattr(pictures, "find_spec", lambda name: name)
    assert pictures.look(data) == pictures.Looked("image/heic", 4032, 3024)
    with pytest.raises(pictures.NotAPicture, match="cut off"):
        pictures.look(data[:24])


def test_a_file_has_ten_mebibytes_at_most_and_two_routes_take_that_much(world: World) -> None:
    number = world.ticket()
    before = state()
    for path in ("/api/uploads", f"/api/tickets/{number}/images"):
        for size in (images.MAX_BYTES + 1, 11 * images.MEGABYTE):
            began = time.perf_counter()
            response = world.reporter.open("POST", path, **form(b"\xff" * size))
            assert (response.status_code, response.mimetype) == (413, "application/problem+json")
            assert time.perf_counter() - began < 1
    assert state() == before
    large = TAKEN["jpeg"] + b"\0" * (images.MAX_BYTES - len(TAKEN["jpeg"]))
    assert world.reporter.open("POST", "/api/uploads", **form(large)).status_code == 201
    body = {"text": "x" * (2 * images.MEGABYTE)}
    assert world.reporter.post(f"/api/tickets/{number}/comments", body).status_code == 413


def test_one_file_by_its_name_and_nothing_else(world: World) -> None:
    picture = a_picture()
    both = form(picture)["data"].replace(b"--b--\r\n", b"") + form(picture)["data"]
    text = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nphoto\r\n--b--\r\n'
    beside = form(picture)["data"].replace(b"--b--\r\n", b"") + text.replace(b'"image"', b'"caption"')
    multipart = "multipart/form-data; boundary=b"
    before = state()
    for data, kind, status, errors in (
        (both, multipart, 422, {"image": ["Send one file."]}),
        (text, multipart, 422, {"image": ["Send one file."]}),
        (b"--b--\r\n", multipart, 422, {"image": ["Send one file."]}),
        (beside, multipart, 422, {"caption": ["Unknown field."]}),
        (form(picture, field="photo")["data"], multipart, 422, {"photo": ["Unknown field."]}),
        (b"--b\r\n" * 3, multipart, 400, None),
        (form(picture)["data"][:-9], multipart, 400, None),
        (picture, "multipart/form-data", 400, None),
        (picture, "image/png", 415, None),
        (b"{}", "application/json", 415, None),
        (b"image=photo", "application/x-www-form-urlencoded", 415, None),
    ):
        response = world.reporter.open("POST", "/api/uploads", data=data, content_type=kind)
        assert (response.status_code, response.json.get("errors")) == (status, errors), data[:200]
    assert state() == before


def test_what_the_file_is_called_is_never_said_again(world: World) -> None:
    name = "canary\\x22&gt;<img src=x onerror=alert(1)>.png"
    response = world.reporter.open("POST", "/api/uploads", **form(a_picture(), filename=name))
    number = response.json["id"]
    made_ready(number)
    world.reporter.reports(images=[number])
    got = world.agent.get(f"/api/images/{number}")
    assert got.headers["Content-Disposition"] == f'inline; filename="photo-{number}.webp"'
    for table in (Image, Job, Event):
        for found in db.session.execute(select(*table.__table__.columns)):
            assert "canary" not in repr(found)


# --- how it is served -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "name"), [("", "photo"), ("/thumbnail", "thumbnail")])
def test_a_photo_says_what_it_is_and_that_it_does_nothing(world: World, part: str, name: str) -> None:
    number = world.photo("ticket")
    path = f"/api/images/{number}{part}"
    got = world.reporter.get(path)
    assert got.headers["Content-Type"] == "image/webp"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert got.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert got.headers["Cache-Control"] == "private, no-cache"
    assert got.headers["Content-Disposition"] == f'inline; filename="{name}-{number}.webp"'
    assert {"Cookie", "Authorization"} <= set(got.vary.as_set(preserve_casing=True))
    assert got.headers["ETag"] == f'"{hashlib.sha256(got.data).hexdigest()}"'
    again = world.reporter.get(path, headers={"If-None-Match": got.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert world.other.get(path, headers={"If-None-Match": got.headers["ETag"]}).status_code == 404
    assert world.reporter.get(path, headers={"Range": "bytes=0-1"}).status_code == 200
    for method in ("POST", "PUT", "PATCH"):
        assert world.reporter.open(method, path).status_code == 405


@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_a_damaged_photo_is_not_served_and_somebody_hears_of_it(
    world: World, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    number = world.photo("ticket")
    begin_write()
    blob = (ImageBlob.image_id == number) & (ImageBlob.kind == "photo")
    if harm == "gone":
        db.session.query(ImageBlob).where(blob).delete()
    else:
        db.session.execute(update(ImageBlob).where(blob).values(data=b"a phot0"))
    db.session.commit()
    with caplog.at_level(logging.ERROR, "helpdesk.images"):
        logging.getLogger("helpdesk.images").addHandler(caplog.handler)
        response = world.reporter.get(f"/api/images/{number}")
        logging.getLogger("helpdesk.images").removeHandler(caplog.handler)
    assert (response.status_code, response.json["detail"]) == (404, "What is stored of this photo is damaged.")
    assert any(record.message == "a photo is damaged" and record.image == number for record in caplog.records)
    assert world.reporter.get(f"/api/images/{number}/thumbnail").status_code == 200


# --- tying ------------------------------------------------------------------------------------------------------------


def test_uploads_are_tied_by_what_is_created_with_them(world: World) -> None:
    first, second, third = (world.reporter.uploads() for _ in range(3))
    number = world.reporter.reports(images=[second, first, first])
    said = world.reporter.writes(number, images=[third])
    assert [row(one).comment_id for one in (first, second, third)] == [None, None, said]
    photo = {"id": third, "width": 4, "height": 3, "state": "ready"}
    for path in (f"/api/comments/{said}", f"/api/tickets/{number}/comments", f"/api/tickets/{number}/timeline"):
        answer = world.agent.get(path).json
        found = answer if "images" in answer else answer["items"][-1].get("comment", answer["items"][-1])
        assert found["images"] == [photo], path
    assert [item["id"] for item in world.agent.get(f"/api/tickets/{number}/images").json["items"]] == [
        first,
        second,
        third,
    ]
    assert world.agent.sees(number)["image_count"] == world.reporter.sees(number)["image_count"] == 3


def test_nobody_ties_what_is_not_theirs_to_tie(world: World) -> None:
    number = world.ticket()
    tied, own, rejected = world.photo("ticket", number), world.reporter.uploads(), world.reporter.uploads(ready=False)
    images.finish(rejected, "The picture is damaged: it cannot be shown.")
    foreign = world.agent.uploads()
    before = state()
    for bad in (tied, foreign, rejected, 2**40):
        for path, body in (("/api/tickets", a_report()), (f"/api/tickets/{number}/comments", {"text": "Look."})):
            response = world.reporter.post(path, {**body, "images": [own, bad]})
            assert response.status_code == 422
            assert list(response.json["errors"]) == ["images"]
            assert str(bad) in str(response.json) or bad == rejected
    for bad in ("7", None, [0], ["1"], [1.5], [True], {"id": 1}):
        assert world.reporter.post("/api/tickets", {**a_report(), "images": bad}).status_code == 422
    assert state() == before
    assert world.admin.post(f"/api/tickets/{number}/comments", {"text": "Mine.", "images": [own]}).status_code == 422
    assert world.reporter.writes(number, images=[own])


def test_a_comment_has_ten_at_most(world: World) -> None:
    number = world.ticket()
    uploads = [world.reporter.uploads() for _ in range(11)]
    response = world.reporter.post(f"/api/tickets/{number}/comments", {"text": "Look.", "images": uploads})
    assert (response.status_code, list(response.json["errors"])) == (422, ["images"])
    assert world.reporter.writes(number, images=uploads[:10])
    assert world.agent.sees(number)["image_count"] == 10


def _many(
    uploader: Person, times: int, ticket_id: int | None = None, comment_id: int | None = None, **more: Any
) -> None:
    one = {"uploader_id": uploader.id, "ticket_id": ticket_id, "comment_id": comment_id, "store": "db", **more}
    values = {
        "state": ImageState.READY,
        "type": images.TYPE,
        "size_bytes": 1,
        "width": 1,
        "height": 1,
        "created_at": now(),
    }
    begin_write()
    db.session.execute(insert(Image), [{**values, **one}] * times)
    db.session.commit()


def test_a_ticket_has_fifty_at_most_and_what_one_does_not_see_does_not_count(world: World) -> None:
    number = world.ticket()
    note = world.comment("note", number)
    _many(world.agent, 30, number, note)
    _many(world.reporter, 49, number)
    assert world.reporter.uploads(to=number)
    before = state()
    response = world.reporter.open("POST", f"/api/tickets/{number}/images", **form(a_picture()))
    assert (response.status_code, response.json["errors"]) == (422, {"image": ["A ticket can have 50 photos at most."]})
    assert state() == before
    own = world.reporter.uploads()
    response = world.reporter.post(f"/api/tickets/{number}/comments", {"text": "Look.", "images": [own]})
    assert (response.status_code, list(response.json["errors"])) == (422, ["images"])
    assert world.joined.writes(number, images=[world.joined.uploads()])
    assert world.agent.open("POST", f"/api/tickets/{number}/images", **form(a_picture())).status_code == 422
    assert world.reporter.post("/api/tickets", {**a_report(), "images": list(range(1, 52))}).status_code == 422


def test_somebody_sends_a_hundred_mebibytes_a_day(world: World) -> None:
    _many(world.reporter, 10, uploaded_bytes=10 * images.MEGABYTE - 1)
    _many(world.reporter, 10, uploaded_bytes=10 * images.MEGABYTE, created_at=now() - timedelta(hours=25))
    before = state()
    response = world.reporter.open("POST", "/api/uploads", **form(a_picture()))
    assert response.status_code == 422
    assert "100 MB" in response.json["errors"]["image"][0]
    assert state() == before
    assert world.other.uploads()
    with time_machine.travel(now() + timedelta(days=1, minutes=1)):
        world.reporter.signs_in()
        assert world.reporter.uploads()


def test_how_often_a_customer_uploads_is_limited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blueprints.images, "UPLOAD", Limit("upload", burst=2, every=60))
    number = world.ticket()
    world.reporter.uploads()
    world.reporter.uploads(to=number)
    for path in ("/api/uploads", f"/api/tickets/{number}/images"):
        assert world.reporter.open("POST", path, **form(a_picture())).status_code == 429
        assert world.agent.open("POST", path, **form(a_picture())).status_code == 201


def test_the_same_photo_sent_again_is_the_same_photo(world: World) -> None:
    """Whatever sends it draws another boundary each time."""
    number = world.ticket()
    for path in ("/api/uploads", f"/api/tickets/{number}/images"):
        key = {"Idempotency-Key": f"photo {path}".replace(" ", "-")}
        before = count()
        answers = [world.reporter.open("POST", path, headers=key, **form(a_picture(), boundary=b)) for b in "bcd"]
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json["id"] for answer in answers}) == 1
        assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true", "true"]
        other = world.reporter.open("POST", path, headers=key, **form(a_picture(9)))
        assert (other.status_code, list(other.json["errors"])) == (422, ["Idempotency-Key"])
        assert count() == before + 1
    assert world.reporter.sees(number)["image_count"] == 1


def test_nothing_is_locked_or_held_while_a_photo_is_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []
    real = images.check

    def watching(data: bytes) -> Any:
        held.append(db.session().in_transaction())
        return real(data)

    monkeypatch.setattr(images, "check", watching)
    number = world.ticket()
    for who in ("reporter", "agent"):
        world.people[who].uploads()
        world.people[who].uploads(to=number)
    assert held == [False] * 4


# --- who sees what ----------------------------------------------------------------------------------------------------


def test_photos_are_counted_and_listed_as_they_are_seen(world: World) -> None:
    number = world.ticket()
    photos = {
        kind: world.photo(kind, number) for kind in ("ticket", "words", "joined_words", "answer", "broadcast", "note")
    }
    seen = {
        "reporter": {"ticket", "words", "answer", "broadcast"}, "joined": {"joined_words", "broadcast"},
        "agent": set(photos), "admin": set(photos),
    }  # fmt: skip
    for who, theirs in seen.items():
        person = world.people[who]
        listed = {item["id"] for item in person.get(f"/api/tickets/{number}/images").json["items"]}
        assert listed == {photos[kind] for kind in theirs}, who
        assert person.sees(number)["image_count"] == len(theirs), who
        assert person.get("/api/tickets").json["items"][0]["image_count"] == len(theirs), who
        items = person.get(f"/api/tickets/{number}/comments").json["items"]
        assert {photo["id"] for item in items for photo in item["images"]} == listed - {photos["ticket"]}, who
        for kind, photo in photos.items():
            for part in ("", "/thumbnail"):
                assert person.get(f"/api/images/{photo}{part}").status_code == (200 if kind in theirs else 404), (
                    who,
                    kind,
                )


def test_whoever_leaves_or_is_shut_out_sees_no_photo_any_more(world: World) -> None:
    number = world.ticket()
    photo, own = world.photo("broadcast", number), world.photo("joined_words", number)
    assert [world.joined.get(f"/api/images/{one}").status_code for one in (photo, own)] == [200, 200]
    world.agent.sets(number, is_confidential=True)
    assert [world.joined.get(f"/api/images/{one}").status_code for one in (photo, own)] == [404, 404]
    assert world.joined.delete(f"/api/images/{own}").status_code == 404


def test_a_reporter_adds_none_to_what_is_resolved_but_says_so_with_one(world: World) -> None:
    number = world.ticket()
    world.agent.sets(number, status="resolved")
    before = state()
    assert world.reporter.open("POST", f"/api/tickets/{number}/images", **form(a_picture())).status_code == 409
    assert state() == before
    assert world.agent.uploads(to=number)
    world.reporter.writes(number, images=[world.reporter.uploads()])
    assert world.agent.sees(number)["status"] == "open"


def test_pages_ask_once_for_all_their_photos(world: World) -> None:
    number = world.ticket()
    for kind in ("words", "answer", "broadcast"):
        world.photo(kind, number)
        world.photo(kind, number)
    paths = {"": 4, "/comments": 4, "/timeline": 4, "/images": 3}
    for who in ("reporter", "agent"):
        for part, most in paths.items():
            with statements() as asked:
                assert world.people[who].get(f"/api/tickets/{number}{part}").status_code == 200
            assert len(asked) <= most, (who, part, asked)
        with statements() as asked:
            world.people[who].get("/api/tickets")
        assert len(asked) <= 4
        photo = world.people[who].get(f"/api/tickets/{number}/images").json["items"][0]["id"]
        with statements() as asked:
            world.people[who].get(f"/api/images/{photo}")
        assert len(asked) == 2


# --- the history ------------------------------------------------------------------------------------------------------


def _told(person: Person, ticket_id: int) -> list[tuple[str | None, str | None]]:
    items = person.get(f"/api/tickets/{ticket_id}/events").json["items"]
    return [(item["from_value"], item["to_value"]) for item in items if item["field"] == "image"]


def test_adding_and_deleting_is_history_for_whoever_sees_the_photo(world: World) -> None:
    number = world.ticket()
    own, broadcast, note = (world.photo(kind, number) for kind in ("ticket", "broadcast", "note"))
    seen = world.joined.sees(number)["updated_at"]
    for photo in (own, note):
        assert world.agent.delete(f"/api/images/{photo}").status_code == 204
    assert world.joined.sees(number)["updated_at"] == seen
    assert world.agent.delete(f"/api/images/{broadcast}").status_code == 204
    assert world.joined.sees(number)["updated_at"] > seen
    added, gone, said = (None, str(own)), (str(own), None), (str(broadcast), None)
    assert _told(world.agent, number) == [added, gone, (str(note), None), said]
    assert _told(world.reporter, number) == [added, gone, said]
    assert _told(world.joined, number) == [said]
    # the comment comes again, without it
    news = world.joined.get(f"/api/tickets/{number}/timeline").json["items"][-1]
    assert (news["event"]["field"], news["comment"]["images"]) == ("image", [])
    assert world.agent.sees(number)["image_count"] == world.reporter.sees(number)["image_count"] == 0


def test_an_author_hears_that_their_photo_was_taken_away(world: World) -> None:
    number = world.ticket()
    photo = world.photo("joined_words", number)
    assert world.agent.delete(f"/api/images/{photo}").status_code == 204
    assert _told(world.joined, number) == _told(world.agent, number) == [(str(photo), None)]
    assert _told(world.reporter, number) == []


# --- when it goes -----------------------------------------------------------------------------------------------------


def test_photos_go_with_their_comment_and_their_ticket(world: World) -> None:
    number = world.ticket()
    own, said = world.photo("ticket", number), world.photo("words", number)
    assert world.reporter.delete(f"/api/comments/{row(said).comment_id}").status_code == 204
    assert (row(said), kinds(said)) == (None, set())
    assert world.agent.sees(number)["image_count"] == world.reporter.sees(number)["image_count"] == 1
    assert world.agent.get(f"/api/images/{said}").status_code == 404
    assert world.admin.delete(f"/api/tickets/{number}").status_code == 204
    assert (row(own), kinds(own)) == (None, set())


def test_what_nothing_ties_is_gone_after_a_day_and_what_is_tied_is_not(world: World) -> None:
    number = world.ticket()
    untied, waiting = world.photo("untied"), world.reporter.uploads(ready=False)
    tied, said = world.photo("ticket", number), world.photo("words", number)
    with time_machine.travel(now() + timedelta(hours=23, minutes=50)):
        work()
        assert row(untied) and row(waiting)
    with time_machine.travel(now() + timedelta(hours=25)):
        work()
        work()
        assert {bool(row(one)) for one in (untied, waiting)} == {False}
        assert not kinds(untied) | kinds(waiting)
        assert row(tied).state == row(said).state == ImageState.READY
    world.other.uploads()
    with time_machine.travel(now() + timedelta(hours=28)):
        for _ in range(images.AT_ONCE + 5):
            _many(world.other, 1, created_at=now() - timedelta(hours=25))
        images.purge(jobs.Claimed(0, "purge_images", {}, 1, None, now()))
    assert count() == 2


def test_of_whoever_is_erased_no_photo_is_left_and_the_history_says_so(world: World) -> None:
    """P-100: not what waited for something to belong to, nor what belongs to somebody else's ticket by now."""
    number, joined_one = world.ticket(), world.agent.reports()
    world.reporter.joins(joined_one)
    untied, own = world.photo("untied"), world.photo("ticket", number)
    said, waiting = world.photo("words", number), world.reporter.uploads(to=number, ready=False)
    joined = world.reporter.uploads()
    world.reporter.writes(joined_one, images=[joined])
    others = [world.photo(kind, number) for kind in ("answer", "note", "joined_words")] + [world.other.uploads()]
    words = len(world.agent.get(f"/api/tickets/{number}/comments").json["items"])
    assert world.agent.sees(number)["image_count"] == 6
    refused = world.agent.delete(f"/api/users/{world.reporter.id}")
    assert (refused.status_code, bool(row(own))) == (403, True)
    assert world.admin.delete(f"/api/users/{world.reporter.id}").status_code == 204
    for photo in (untied, own, said, waiting, joined):
        assert (row(photo), kinds(photo)) == (None, set())
        for part in ("", "/thumbnail"):
            assert world.admin.get(f"/api/images/{photo}{part}").status_code == 404
    assert all(row(photo) for photo in others)
    assert [world.agent.sees(one)["image_count"] for one in (number, joined_one)] == [3, 0]
    comments = world.agent.get(f"/api/tickets/{number}/comments").json["items"]
    assert len(comments) == words and sum(len(comment["images"]) for comment in comments) == 3
    assert set(_told(world.agent, number)) >= {(str(photo), None) for photo in (own, said, waiting)}
    assert _told(world.agent, joined_one) == [(str(joined), None)]
    assert {event.target for event in recorded("image.deleted")} == {
        f"image:{photo}" for photo in (own, said, waiting, joined)
    }


def test_whoever_is_erased_while_a_photo_of_theirs_is_taken_in_leaves_none(world: World) -> None:
    looked = images.check(a_picture())
    assert world.admin.delete(f"/api/users/{world.reporter.id}").status_code == 204
    gone, there = (policy.Actor(id=who.id, role=Role.CUSTOMER) for who in (world.reporter, world.other))
    begin_write()
    with pytest.raises(NotSignedIn):
        images.add(gone, a_picture(), looked)
    assert images.add(there, a_picture(), looked).id
    db.session.commit()


def test_whoever_uploaded_it_deletes_it_without_a_trace_while_nothing_ties_it(world: World) -> None:
    number = world.photo("untied")
    events = db.session.scalar(select(func.count()).select_from(Event))
    assert world.reporter.delete(f"/api/images/{number}").status_code == 204
    assert (row(number), kinds(number)) == (None, set())
    assert db.session.scalar(select(func.count()).select_from(Event)) == events
    assert world.reporter.delete(f"/api/images/{number}").status_code == 404


# --- the worker -------------------------------------------------------------------------------------------------------


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command of the child, for a test to put something else in its place."""
    command = list(images.CHILD)
    monkeypatch.setattr(images, "CHILD", command)
    return command


def _job() -> Job:
    db.session.remove()
    return db.session.scalars(select(Job).where(Job.kind == "make_image")).one()


def test_a_worker_that_is_killed_leaves_a_photo_to_the_next(world: World) -> None:
    number = world.reporter.uploads(ready=False)
    claimed = jobs.claim()
    while claimed and claimed.kind != "make_image":
        claimed = jobs.claim()
    assert claimed
    work()
    assert row(number).state == ImageState.PROCESSING
    clock = iter([0.0, jobs.LEASE_SECONDS])
    watch = jobs.Watch(lambda: next(clock))
    watch.look()
    watch.look()
    work()
    assert row(number).state == ImageState.READY
    # the first comes back to life, and changes nothing
    images.make(claimed)
    images.finish(number, "nonsense")
    assert (row(number).state, row(number).reason, kinds(number)) == (ImageState.READY, None, {"photo", "thumbnail"})


@pytest.mark.parametrize(
    "program",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import sys; sys.exit(1)",
        "import time; time.sleep(60)",
        "",
        "print('nonsense')",
        """import sys; sys.stdout.write('{"width": 1, "height": 1, "sizes": [9, 9]}\\n<script>alert(1)</script>')""",
        """import sys; sys.stdout.write('{"reason')""",
    ],
)
def test_a_photo_that_kills_whoever_touches_it_is_given_up(
    world: World, child: list[str], program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "CHILD_SECONDS", 1)
    child[:] = [sys.executable, "-I", "-S", "-c", program]
    ticket = world.ticket()
    number = world.reporter.uploads(to=ticket, ready=False)
    with time_machine.travel(now(), tick=False) as clock:
        for attempt in range(1, images.TRIES + 1):
            assert row(number).state == ImageState.PROCESSING
            work()
            assert _job().attempts == attempt
            clock.shift(timedelta(hours=1))
            world.reporter.signs_in()
        assert (row(number).state, row(number).reason) == (ImageState.REJECTED, images.CANNOT)
        assert (_job().state, kinds(number)) == (JobState.DONE, set())
        assert world.reporter.get(f"/api/tickets/{ticket}/images").json["items"][0]["reason"] == images.CANNOT


def test_a_photo_that_kills_its_worker_is_given_up_without_being_touched_again(world: World, child: list[str]) -> None:
    child[:] = ["/nonexistent"]
    number = world.reporter.uploads(ready=False)
    begin_write()
    db.session.execute(update(Job).where(Job.kind == "make_image").values(attempts=images.TRIES))
    db.session.commit()
    work()
    assert row(number).state == ImageState.REJECTED


def test_a_photo_that_nothing_came_of_for_a_day_says_so(world: World) -> None:
    number = world.reporter.uploads(to=world.ticket(), ready=False)
    begin_write()
    db.session.execute(update(Job).where(Job.kind == "make_image").values(state=JobState.DEAD))
    db.session.commit()
    with time_machine.travel(now() + timedelta(hours=25)):
        work()
    assert (row(number).state, row(number).reason) == (ImageState.REJECTED, images.CANNOT)


def test_a_photo_that_was_deleted_meanwhile_is_no_matter(world: World) -> None:
    number = world.reporter.uploads(ready=False)
    assert world.reporter.delete(f"/api/images/{number}").status_code == 204
    work()
    assert _job().state == JobState.DONE
    images.finish(number, images.Remade(b"", b"", 1, 1))
    assert (row(number), kinds(number)) == (None, set())


# --- the child --------------------------------------------------------------------------------------------------------


def _locked_up(program: str) -> subprocess.CompletedProcess[str]:
    """What happens in a child that has locked itself up."""
    start = "import importlib.util as u, sys, socket\n"
    start += f"s = u.spec_from_file_location('child', {str(ROOT / 'helpdesk' / 'images_child.py')!r})\n"
    start += "c = u.module_from_spec(s); s.loader.exec_module(c); c._rehearse(); c._lock_up()\n"
    return subprocess.run(
        [sys.executable, "-I", "-c", start + program], capture_output=True, text=True, env={}, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("socket.socket()", "Too many open files"),
        ("open('/etc/passwd')", "Too many open files"),
        ("import os; os.pipe()", "Too many open files"),
        ("import subprocess; subprocess.run(['true'])", "Too many open files"),
        ("b'x' * c.MEMORY_BYTES", "MemoryError"),
    ],
)
def test_the_child_has_no_network_no_files_and_little_memory(program: str, said: str) -> None:
    done = _locked_up(program)
    assert done.returncode != 0
    assert said in done.stderr
    assert _locked_up("print(c.remake.__name__)").stdout == "remake\n"


def test_the_child_has_little_time_and_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    done = _locked_up("import resource; print(resource.getrlimit(resource.RLIMIT_CPU))")
    assert done.stdout == f"({images_child.CPU_SECONDS}, {images_child.CPU_SECONDS})\n"
    monkeypatch.setenv("SECRET_KEY", "canary")
    monkeypatch.setattr(images, "CHILD", [sys.executable, "-I", "-c", _SAYS_WHAT_IT_HAS])
    said = images.remake(b"")
    assert isinstance(said, str)
    assert "canary" not in said and "DATABASE" not in said
    assert not re.search(r"\b(helpdesk|models|flask|sqlalchemy)\b", said)


_SAYS_WHAT_IT_HAS = f"""
import importlib.util as u, json, os, sys
s = u.spec_from_file_location('child', {str(ROOT / "helpdesk" / "images_child.py")!r})
s.loader.exec_module(u.module_from_spec(s))
ours = [m for m in sys.modules if m.split('.')[0] in ('helpdesk', 'models', 'flask', 'sqlalchemy')]
print(json.dumps({{"reason": f"{{dict(os.environ)}} {{ours}}"}}))
"""


def test_a_picture_that_takes_too_much_memory_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", _WITH_LITTLE], input=saved(Pillow.new("RGB", (6000, 6000)), "PNG"),
        capture_output=True, env={}, check=True, timeout=60,
    )  # fmt: skip
    assert images_child.TOO_LARGE.encode() in done.stdout


_WITH_LITTLE = f"""
import importlib.util as u
s = u.spec_from_file_location('child', {str(ROOT / "helpdesk" / "images_child.py")!r})
c = u.module_from_spec(s)
s.loader.exec_module(c)
c.MEMORY_BYTES = 120 * 2**20
c.main()
"""


def test_a_picture_of_fifty_megapixels_fits(world: World) -> None:
    number = world.reporter.uploads(saved(Pillow.new("RGB", (8660, 5773)), "JPEG", quality=50), ready=False)
    work()
    assert (row(number).state, row(number).width) == (ImageState.READY, 2560)
