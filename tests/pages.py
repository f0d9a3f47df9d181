"""Reading server-rendered pages as a browser does: their words, links and forms; and sending forms back."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from typing import Any

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from tests.doors import Browser

VOID = {"area", "br", "hr", "img", "input", "link", "meta", "use", "path", "rect"}


@dataclass
class Button:
    name: str
    value: str
    action: str
    """Where it sends the form."""
    label: str = ""


@dataclass
class Form:
    action: str
    method: str
    enctype: str | None = None
    fields: list[tuple[str, str]] = field(default_factory=list)
    """What would be sent, without the button."""
    buttons: list[Button] = field(default_factory=list)
    """In their order: Enter in a field presses the first."""

    def data(self, **changes: Any) -> dict[str, Any]:
        """As it would be sent after these changes: None takes a field out, a list ticks several."""
        sent: dict[str, Any] = {}
        for name, value in self.fields:
            sent.setdefault(name, []).append(value)
        sent |= {
            name: value if isinstance(value, list) else [value] for name, value in changes.items() if value is not None
        }
        return {name: values for name, values in sent.items() if name not in changes or changes[name] is not None}


class Page(HTMLParser):
    """What stands on a page."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        self.status = response.status_code
        self.html = response.get_data(as_text=True)
        self.words = ""
        self.title = ""
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside: list[str] = []
        self._select: str | None = None
        self._first_option: str | None = None
        self._area: tuple[str, str] | None = None
        self.feed(self.html)

    @property
    def form(self) -> Form | None:
        return self.forms[-1] if "form" in self._inside else None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "form":
            self.forms.append(Form(found.get("action") or "", found.get("method") or "get", found.get("enctype")))
        if tag not in VOID:
            self._inside.append(tag)
        name, value = found.get("name") or "", found.get("value") or ""
        if tag == "a":
            self.links.append(found.get("href") or "")
        form = self.form
        if form is None or "disabled" in found:
            return
        if tag == "input" and name:
            if found.get("type") == "file":
                pass  # in which nothing is chosen yet
            elif found.get("type") not in ("checkbox", "radio"):
                form.fields.append((name, value))
            elif "checked" in found:
                form.fields.append((name, value if "value" in found else "on"))
        elif tag == "button":
            form.buttons.append(Button(name, value, found.get("formaction") or form.action))
        elif tag == "select":
            self._select, self._first_option = name, None
        elif tag == "option" and self._select is not None:
            if "selected" in found:
                form.fields.append((self._select, value))
                self._select = None
            elif self._first_option is None:
                self._first_option = value
        elif tag == "textarea":
            self._area = (name, "")

    def handle_endtag(self, tag: str) -> None:
        form = self.form
        if tag == "select" and self._select is not None and form is not None:
            form.fields.append((self._select, self._first_option or ""))
        if tag == "select":
            self._select = None
        if tag == "textarea" and self._area is not None and form is not None:
            form.fields.append((self._area[0], self._area[1].removeprefix("\n")))
            self._area = None
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area = (self._area[0], self._area[1] + data)
        elif "title" in self._inside:
            self.title += data
        elif not {"script", "style"} & set(self._inside):
            self.words = f"{self.words} {data}"
            if self.form is not None and "button" in self._inside:
                self.form.buttons[-1].label += data

    def says(self, words: str) -> bool:
        return " ".join(words.split()) in " ".join(self.words.split()).replace(" .", ".").replace(" ,", ",")

    def form_to(self, action: str, *, button: str | None = None) -> Form:
        """The form whose button leads there, as this button sends it where it is named by a word on it."""
        found = []
        for form in self.forms:
            pressed = [b for b in form.buttons if b.action == action and (button is None or button in b.label)]
            if pressed:
                sent = [(pressed[0].name, pressed[0].value)] if button and pressed[0].name else []
                found.append(replace(form, action=action, fields=form.fields + sent, buttons=pressed))
        assert len(found) == 1, [(b.action, b.label.strip()) for form in self.forms for b in form.buttons]
        return found[0]


class Reader(Browser):
    """Somebody with a browser at the server-rendered pages, without a script."""

    def open(self, method: str, path: str, *, headers: dict[str, str] | None = None, **kwargs: Any) -> TestResponse:
        return super().open(method, path, headers={"Accept": "text/html", **(headers or {})}, **kwargs)

    def reads(self, path: str, status: int = 200) -> Page:
        response = self.get(path)
        assert response.status_code == status, (response.status_code, response.headers.get("Location"))
        return Page(response)

    def sends(self, form: Form, *, photos: Sequence[bytes | tuple[bytes, str]] = (), **changes: Any) -> TestResponse:
        """Send a form with these changes, and with these files chosen in it."""
        data: Any = form.data(**changes)
        more = {}
        if form.enctype:
            assert form.enctype == "multipart/form-data"
            named = [one if isinstance(one, tuple) else (one, f"photo{n}.png") for n, one in enumerate(photos)]
            chosen = [FileStorage(io.BytesIO(photo), name) for photo, name in named or [(b"", "")]]
            fields = MultiDict({**data, "images": [*data.get("images", ()), *chosen]})
            boundary, data = encode_multipart(fields)
            more["content_type"] = f"multipart/form-data; boundary={boundary}"
        where = "query_string" if form.method == "get" else "data"
        return self.open(form.method.upper(), form.action, **{where: data}, **more)

    def is_led(self, response: TestResponse) -> Page:
        """Where a form that was taken leads: POST → 303 → GET."""
        assert response.status_code == 303, Page(response).words[:600]
        return self.reads(response.headers["Location"].partition("#")[0])
