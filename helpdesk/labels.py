"""Labels for rooms: a QR code that opens the report form with the place filled in, and the words beside it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

import segno

from helpdesk.settings import setting

AT_MOST = 200
"""Labels on one print: some twenty pages."""
ROOM_LETTERS = 50


@dataclass(frozen=True)
class Label:
    room: str
    """Empty: the building as a whole."""
    address: str
    svg: str
    """The code as markup of ours, without a size: the style sheet gives it one."""


def address(building: str, room: str = "") -> str:
    """Where a label leads: the report form, which fills in what its address says."""
    return (
        f"{setting('PUBLIC_BASE_URL')}/report?{urlencode({'building': building, **({'room': room} if room else {})})}"
    )


def code(text: str) -> str:
    """A QR code that can be read with 15 % of it scratched or in the shade."""
    return segno.make_qr(text, error="m").svg_inline(
        omitsize=True, border=2, svgclass=None, lineclass=None, dark="#000", light="#fff"
    )


def of(building: str, rooms: list[str]) -> list[Label]:
    """A label for each of these rooms, named once however often it is named: AT_MOST."""
    wanted = list(dict.fromkeys(room.strip()[:ROOM_LETTERS] for room in rooms))[:AT_MOST]
    return [Label(room, address(building, room), code(address(building, room))) for room in wanted]
