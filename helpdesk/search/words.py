"""From what people write to the words that are compared: without case and accents, the same on every database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LONGEST = 40
LONGEST_TEXT = 128 * 1024
"""Characters that are kept of a folded text: eighteen thousand Chinese ones, for each is seven."""
_KNOWN = 20_000
_ASCII = re.compile(r"[a-z0-9]+")
_WORD = re.compile(r"[a-z0-9_]+")


class _Folding(dict[int, str]):
    """`str.translate`'s table, filled as characters are met.

    What is not ASCII is written as `_hex_`, so that no database has an opinion of its own on what a letter is, and a
    character still begins what began with it. Scripts without spaces are cut into characters.
    """

    def __missing__(self, code: int) -> str:
        if len(self) >= _KNOWN:  # somebody sends all of Unicode
            self.clear()
        # one by one: accents are dropped, so it does not matter in which order a whole text would have them
        apart = unicodedata.normalize("NFKD", chr(code).casefold()).casefold()
        self[code] = folded = "".join(map(self._fold, apart))
        return folded

    @staticmethod
    def _fold(character: str) -> str:
        if character.isascii():
            return character if character.isalnum() else " "
        if unicodedata.category(character) == "Mn":  # accents, once they are apart from their letters
            return ""
        if not character.isalnum():
            return " "
        if re.match("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]", character):
            return f" _{ord(character):x}_ "
        return f"_{ord(character):x}_"


_folding = _Folding()


def words(text: str) -> list[str]:
    """The words of a text in their order: `Größe des WLANs` → `grosse`, `des`, `wlans`."""
    text = text[:LONGEST_TEXT]
    if text.isascii():
        return [word[:LONGEST] for word in _ASCII.findall(text.lower())]
    return [word[:LONGEST] for word in _WORD.findall(text.translate(_folding)[:LONGEST_TEXT])]


def fold(text: str | None) -> str:
    """The words of a text between single spaces."""
    return " ".join(words(text or ""))


def score(wanted: set[str], title: str) -> int:
    """How well a title says it: a word that is there counts twice as much as one that only begins there."""
    found = words(title)
    return sum(2 if word in found else any(one.startswith(word) for one in found) for word in wanted)


def document(*texts: str | None) -> str:
    """Texts as a search document: their words between single spaces."""
    return joined(map(fold, texts))


def joined(folded: Iterable[str]) -> str:
    """A search document of texts that are folded already. A phrase does not reach from one to the next."""
    return " / ".join(f" {found} " for found in folded if found)
