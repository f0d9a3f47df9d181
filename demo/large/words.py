"""Sentences that are drawn anew each time, and how people write when they are in a hurry, angry, or on a phone.

`[a|b|]` stands for one of several, `{name}` for a word of a list, `#` for a digit; they may stand in each other. What
begins with `[~` is drawn once for a ticket: where the first was asked, the first is answered.
"""

from __future__ import annotations

import random
import re
from functools import lru_cache
from typing import Any

from demo.stories import FOLDER

_PIECE = re.compile(r"\[~?|[\]|#]|\{\w+\}|[^\[\]|#{]+")
Part = str | tuple[str, Any]
"""Text; or what is drawn: ("one", several), ("same", several), ("word", name), ("digit", None)."""
SAME = "~"

GREETED = ("Hallo", "Guten", "Moin", "Sehr geehrte", "Hi", "Hello")
SMALL = ("plain", "plain", "lower", "typos")
MOODS = {"plain": 38, "more": 20, "polite": 10, "long": 6, "lower": 9, "typos": 9, "angry": 6, "terse": 2}


def _read_words() -> dict[str, list[str]]:
    found = {}
    for block in (FOLDER / "large" / "words.txt").read_text("utf-8").split("== ")[1:]:
        name, *lines = block.rstrip("\n").split("\n")
        found[name] = [line.replace("\\n", "\n") for line in lines]
    return found


WORDS = _read_words()
"""Ways to say something, by the name of it."""


@lru_cache(maxsize=8192)
def compiled(text: str) -> tuple[Part, ...]:
    pieces = _PIECE.findall(text)
    parts, end = _read(pieces, 0)
    if end != len(pieces):
        raise ValueError(f"brackets: {text}")
    return parts[0]


def _read(pieces: list[str], start: int) -> tuple[list[tuple[Part, ...]], int]:
    """The alternatives up to the closing bracket, and where it is."""
    found: list[list[Part]] = [[]]
    position = start
    while position < len(pieces):
        piece = pieces[position]
        if piece == "]":
            break
        if piece[0] == "[":
            several, position = _read(pieces, position + 1)
            found[-1].append(("one" if piece == "[" else "same", several))
        elif piece == "|":
            found.append([])
        elif piece == "#":
            found[-1].append(("digit", None))
        elif piece[0] == "{":
            found[-1].append(("word", piece[1:-1]))
        else:
            found[-1].append(piece)
        position += 1
    return [tuple(parts) for parts in found], position


def draw(text: str, rng: random.Random, said: dict[str, str], lists: dict[str, list[str]]) -> str:
    """One way to say it. A word that was drawn stays the same in the ticket: `said` keeps it."""
    out: list[str] = []
    _draw(compiled(text), rng.random, said, lists, out)
    drawn = "".join(out).replace("  ", " ").rstrip()
    return drawn[:1].upper() + drawn[1:] if text[0] in "[{" else drawn


def _draw(
    parts: tuple[Part, ...], dice: Any, said: dict[str, str], lists: dict[str, list[str]], out: list[str]
) -> None:
    for part in parts:
        if isinstance(part, str):
            out.append(part)
            continue
        kind, what = part
        if kind == "one":
            _draw(what[int(dice() * len(what))], dice, said, lists, out)
        elif kind == "same":
            number = int(said.setdefault(SAME, str(int(dice() * 60))))
            _draw(what[number % len(what)], dice, said, lists, out)
        elif kind == "digit":
            out.append("123456789"[int(dice() * 9)])
        else:
            if what not in said:
                several = lists.get(what) or WORDS[what]
                word: list[str] = []
                _draw(compiled(several[int(dice() * len(several))]), dice, said, lists, word)
                said[what] = "".join(word)
            out.append(said[what])


# --- how they write it ------------------------------------------------------------------------------------------------


def written(text: str, mood: str, rng: random.Random, *, german: bool) -> str:
    """A report as somebody in this mood writes it."""
    if mood in ("more", "angry", "long") and text[-1] not in ".!?":
        text += "."
    if mood == "more":
        return text + draw(rng.choice(WORDS["dazu"] if german else WORDS["context"]), rng, {}, {})
    if mood == "long":
        return text + draw(rng.choice(WORDS["geschichte"] if german else WORDS["story"]), rng, {}, {})
    if mood == "polite" and text[0].isupper() and not text.startswith(GREETED):
        return rng.choice(WORDS["hallo"] if german else WORDS["hello"]) + text
    if mood == "lower":
        return lower(text)
    if mood == "typos":
        return mistyped(text, rng)
    if mood == "angry":
        angry = text + rng.choice(WORDS["wuetend"] if german else WORDS["angry"])
        return angry.upper() if rng.random() < 0.15 else angry
    return re.split(r"(?<=[.!?]) ", text, maxsplit=1)[0] if mood == "terse" else text


def signed(text: str, rng: random.Random, *, first: str, agent: str, german: bool) -> str:
    """A reply of the desk, as some of them write it."""
    chance = rng.random()
    if chance < 0.16 and first not in text:
        text = rng.choice(WORDS["guten_tag"] if german else WORDS["hello_you"]).format(first) + text
    if 0.1 < chance < 0.36:
        text += rng.choice(WORDS["gruss"] if german else WORDS["regards"]).format(agent)
    return text


def short(text: str, mood: str, rng: random.Random) -> str:
    """An answer, or a title."""
    if mood == "lower":
        return lower(text)
    if mood == "typos" and rng.random() < 0.5:
        return mistyped(text, rng)
    return text


def title(text: str, mood: str, rng: random.Random, *, german: bool) -> str:
    """What they call it. Who is angry says so, who is in a hurry says nothing."""
    if mood == "angry":
        return (
            rng.choice(("DRINGEND: ", "") if german else ("URGENT: ", "Again: ", ""))
            + text
            + rng.choice(("!", "!!", ""))
        )
    if mood == "terse" and not german:
        return rng.choice(("Help", "Problem", "Question", "Broken", text, text, text))
    return short(text, mood, rng)


def lower(text: str) -> str:
    return text.lower().replace("'", "").rstrip(".")


def mistyped(text: str, rng: random.Random) -> str:
    """With one to three slips of the fingers, in words that stay readable."""
    words = text.split(" ")
    long = [position for position, word in enumerate(words) if len(word) > 4 and word.isalpha()]
    for position in rng.sample(long, min(len(long), rng.choice((1, 1, 2, 3)))):
        word, at, kind = words[position], rng.randrange(1, len(words[position]) - 2), rng.random()
        if kind < 0.45:
            words[position] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        elif kind < 0.75:
            words[position] = word[:at] + word[at + 1 :]
        else:
            words[position] = word[:at] + word[at] + word[at:]
    return " ".join(words)
