"""The built files, as small as the reader takes them: the build wrote each a second and third time, compressed."""

from __future__ import annotations

import mimetypes
import os.path

from flask import Blueprint, Response, request, send_from_directory

from blueprints.pages import place_of_build

built_files = Blueprint("files", __name__)

ENCODINGS = {"br": ".br", "gzip": ".gz"}
"""By preference, with what the build puts behind the name (frontend/vite.config.js)."""


@built_files.get("/static/dist/assets/<path:name>")
def built_file(name: str) -> Response:
    """A file whose name changes with what is in it: cached for good. Raises NotFound."""
    folder = place_of_build() / "assets"
    accepted = request.accept_encodings
    # pathlib's raises where a name is too long
    small = (one for one, end in ENCODINGS.items() if accepted[one] and os.path.isfile(folder / (name + end)))  # noqa: PTH113
    encoding = next(small, None)
    response = send_from_directory(
        folder, name + ENCODINGS.get(encoding or "", ""), mimetype=mimetypes.guess_type(name)[0], max_age=31536000
    )
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.vary.add("Accept-Encoding")
    if encoding:
        response.headers["Content-Encoding"] = encoding
    return response
