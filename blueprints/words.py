"""The texts of the staff's pages in their reader's language. What stands in the code is English, and the key to others.

A text is wrapped whole, with places for what differs: `gettext("There is no ticket #%(number)s", number=7)`.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import lru_cache
from typing import cast

import flask_babel
from babel.support import NullTranslations
from flask import Flask, current_app, g, has_request_context
from flask_babel.speaklater import LazyString
from markupsafe import Markup, escape

from helpdesk.settings import ROOT

ENGLISH = "en"
TRANSLATIONS = ROOT / "translations"
"""`messages.pot` is what there is to translate; `<locale>/LC_MESSAGES/messages.mo` are the languages that we have."""
_in_english = NullTranslations()
_reading: ContextVar[NullTranslations | None] = ContextVar("reading", default=None)
"""The catalogue of this request, once it was asked for. A page asks hundreds of times, and `g` is ten times as slow."""


def gettext(text: str, /, **values: object) -> str:
    """A text with its values in their places."""
    found: str = _catalogue().gettext(text)
    return found % values if values else found


def ngettext(one: str, many: str, number: int, /, **values: object) -> str:
    """`%(num)s` is the number: `1`, `1,204`."""
    found: str = _catalogue().ngettext(one, many, number)
    return found % {"num": f"{number:,}", **values}


def lazy_gettext(text: str) -> str:
    """For constants: a text that asks for the language when it is shown. Takes its values by `%`."""
    return cast(str, LazyString(gettext, text))


def N_(text: str) -> str:
    """The text itself, for a table whose reader asks for it by `gettext` or `markup`: marked to be collected."""
    return text


def markup(text: str, /, **values: object) -> Markup:
    """The same for HTML: the text is ours and may hold tags, the values are escaped. In templates this is `_`."""
    if not values:
        return _marked(_catalogue(), text)
    return Markup(_catalogue().gettext(text) % {name: escape(value) for name, value in values.items()})  # noqa: S704  (see above)


def nmarkup(one: str, many: str, number: int, /, **values: object) -> Markup:
    found = _catalogue().ngettext(one, many, number)
    return Markup(found % {"num": f"{number:,}", **{name: escape(value) for name, value in values.items()}})  # noqa: S704  (see above)


@lru_cache(maxsize=2048)
def _marked(catalogue: NullTranslations, text: str) -> Markup:
    return Markup(catalogue.gettext(text).replace("%%", "%"))  # noqa: S704  (ours; `trans` doubles them)


def locale() -> str:
    """The reader's language if we have it, else the desk's, else English."""
    known, ours = g.get("identity"), current_app.extensions["locales"]
    wanted = (known and known.locale, current_app.config["DEFAULT_LOCALE"])
    return next((one for one in wanted if one in ours), ENGLISH)


def _catalogue() -> NullTranslations:
    found = _reading.get()
    if found is None:
        if not has_request_context():  # nobody reads it: a command, a constant in a traceback
            return _in_english
        found = _in_english if locale() == ENGLISH else flask_babel.get_translations()
        _reading.set(found)
    return found


def _begin() -> None:
    """The last request of this thread was somebody else's."""
    _reading.set(None)


def prepare(app: Flask) -> None:
    app.before_request(_begin)
    app.extensions["locales"] = {ENGLISH, *(path.parts[-3] for path in TRANSLATIONS.glob("*/LC_MESSAGES/messages.mo"))}
    flask_babel.Babel(
        app, configure_jinja=False, default_translation_directories=str(TRANSLATIONS), locale_selector=locale
    )
    app.jinja_env.extend(newstyle_gettext=True)  # before the extension, which would say no
    app.jinja_env.add_extension("jinja2.ext.i18n")
    # Ours, for theirs make each text several times as dear.
    app.jinja_env.globals.update(_=markup, gettext=markup, ngettext=nmarkup, locale=locale)
