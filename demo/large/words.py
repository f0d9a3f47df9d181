"""Sentences that are drawn anew each time, and how people write when they are in a hurry, angry, or on a phone.

`[a|b|]` stands for one of several, `{name}` for a word of a list, `#` for a digit; they may stand in each other. What
begins with `[~` is drawn once for a ticket: where the first was asked, the first is answered.
"""

from __future__ import annotations

import random
import re
from functools import lru_cache
from typing import Any

_TOKEN = re.compile(r"\[~?|[\]|#]|\{\w+\}|[^\[\]|#{]+")
Part = str | tuple[str, Any]
"""Text; or what is drawn: ("one", several), ("same", several), ("word", name), ("digit", None)."""
SAME = "~"

WORDS: dict[str, list[str]] = {
    "since": [
        "since this morning", "since yesterday", "since {weekday}", "since the weekend", "since last week", "for [two|three] days",
        "for about a week", "since about [9|10|11|13|14|15] o'clock", "today",
        "for [four|five|six] days now", "since last night", "for an hour",
    ],
    "soon": [
        "today before [three|four|five]", "tomorrow morning", "this afternoon", "in the next hour", "tomorrow between nine and eleven",
        "on {weekday}", "first thing tomorrow", "after lunch", "within two hours",
    ],
    "weekday": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
    "course": [
        "Linear Algebra", "Organic Chemistry I", "Macroeconomics", "Introduction to Law", "Cell Biology", "Statistics II",
        "Modern History", "Thermodynamics", "Academic Writing", "Databases", "Human Anatomy", "Microeconomics", "Phonetics",
        "Structural Engineering", "Ethics", "Machine Learning", "Art History", "Operating Systems", "Pharmacology", "Analysis I",
        "Developmental Psychology", "Quantum Mechanics", "Marketing", "Comparative Politics",
    ],
    "elsewhere": [
        "Main Library", "Maple Hall", "Turing Building", "Student Union", "Medical School", "Chemistry Building", "Law School",
        "Learning Commons", "Economics Tower", "Sports Centre", "Franklin Hall", "Lovelace Building",
    ],
    "spare": ["0.#", "1.1#", "1.2#", "2.0#", "2.1#", "A20#"],
    "other": ["A. Keller", "Dr Osei", "M. Lindqvist", "Prof. Marsh", "J. Tran", "S. Ahmadi", "P. Rao", "Dr Fournier"],
    "seit": [
        "seit heute Morgen", "seit gestern", "seit {wochentag}", "seit dem Wochenende", "seit letzter Woche", "seit [zwei|drei|vier] Tagen", "seit einer Stunde",
    ],
    "bald": ["heute Nachmittag", "morgen früh", "noch heute", "am {wochentag}", "in der nächsten Stunde", "morgen zwischen 9 und 11 Uhr"],
    "wochentag": ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag"],
    "kurs": ["die Vorlesung", "meine Abschlussarbeit", "das Seminar", "die Prüfungen", "das Praktikum", "einen Antrag"],
}  # fmt: skip
ANGRY = (
    " This is unacceptable.", " I have reported this before!", " Does anybody read this?", " Third time this month.",
    " For what do we pay fees??", " Please DO something.", " I expect an answer today.", " How hard can it be?",
)  # fmt: skip
WÜTEND = (" Das ist eine Zumutung.", " Ich habe das schon zweimal gemeldet!", " Liest das hier jemand?", " Bitte endlich kümmern!!")
HELLO = ("Hello,\n\n", "Hi,\n\n", "Hello everyone,\n\n", "Dear all,\n\n", "Good morning,\n\n", "Hi there, ", "Dear team,\n\n")
HALLO = ("Hallo,\n\n", "Guten Tag,\n\n", "Liebes Team,\n\n")
HELLO_YOU = ("Hello {},\n\n", "Hi {}, ", "Dear {},\n\n", "Good morning {}, ")
GUTEN_TAG = ("Hallo {},\n\n", "Guten Tag {},\n\n")
REGARDS = ("\n\nBest, {}", "\n\nKind regards\n{}", " {}", "\n\nBest regards, {} (helpdesk)", "\n\n– {}")
GRUSS = ("\n\nViele Grüße\n{}", "\n\nGruß, {}", "\n\nBeste Grüße, {}")
GREETED = ("Hallo", "Guten", "Moin", "Sehr geehrte", "Hi", "Hello")
CONTEXT = (
    " I am there until five.", " You can reach me by phone, extension ####.", " Access is possible at any time.",
    " Thank you for your help!", " Thanks in advance.", " I am not sure whether you are the right people for this.",
    " Several of us have noticed.", " It is not urgent, but it would be nice to have it done.", " My colleague has the key.",
    " Please knock, the bell does not work.", " We have visitors next week.", " If you need more details, just ask.",
    " I am off on {weekday}.", " There is a photo if you need one.", " It happened before, about [half a year|a year] ago.",
)  # fmt: skip
DAZU = (
    " Ich bin bis 16 Uhr im Haus.", " Telefonisch erreichen Sie mich unter -####.", " Vielen Dank im Voraus!", " Danke!",
    " Es eilt nicht, wäre aber schön.", " Den Schlüssel hat die Kollegin.", " Bei Rückfragen gern melden.",
)  # fmt: skip
SMALL = ("plain", "plain", "lower", "typos")
MOODS = {"plain": 38, "more": 20, "polite": 10, "long": 6, "lower": 9, "typos": 9, "angry": 6, "terse": 2}
STORY = (
    "\n\nTo give you the whole story: I [first noticed it|told the caretaker about it] [two|three|four] weeks ago and thought that it would"
    " [go away|be taken care of]. Then [a colleague|somebody from the next room|a student] had the same, and [yesterday|on {weekday}] it got"
    " [much worse|so bad that we had to stop]. [I asked at the front desk and was told to write here.|I did not find a form for it.]",
    "\n\nWhat I have tried so far:\n- [turning everything off and on|asking the neighbours]\n- [reading the guide on the web page|waiting a day]\n"
    "- [calling the number on the sticker, nobody answers|trying it with somebody else's]\n\nNothing helped[, so I am out of ideas|].",
    "\n\nSome details, because you will ask: it is [always|mostly] [in the morning|after lunch|when the room is full], never [at night|on weekends]."
    " [We have ## people here who depend on it.|It costs us about an hour every day.] [If somebody comes, please call before, extension ####.|"
    "The room is free from [four|five] o'clock.] [I am sorry if this is the wrong place.|Please tell me if you need anything else.]",
    "\n\nPlease do not take this personally, I know that you are [few|busy]. But [I have written about it before (ticket #####)|this has been going on"
    " since [the summer|last term]], and each time it was [repaired for a week|closed without a word]. [Could somebody look at it properly?|"
    "What would it take to fix it for good?] [I would be happy to explain it on site.|]",
)
GESCHICHTE = (
    "\n\nZur Vorgeschichte: Aufgefallen ist es mir schon vor [zwei|drei] Wochen, da dachte ich noch, es gibt sich von selbst. [Inzwischen haben es"
    " auch die Nachbarn.|Der Hausmeister meinte, ich solle hier schreiben.] [Versucht haben wir schon alles Mögliche.|Am {wochentag} wurde es schlimmer.]",
    "\n\nIch weiß, dass Sie viel zu tun haben, aber das Thema hatten wir [im Sommer|im letzten Semester] schon einmal (Ticket #####). Damals wurde es"
    " nur notdürftig behoben. [Könnte sich das bitte jemand vor Ort ansehen?|Ich zeige es gern vor Ort.] [Ab 15 Uhr ist der Raum frei.|]",
)


@lru_cache(maxsize=8192)
def compiled(text: str) -> tuple[Part, ...]:
    tokens = _TOKEN.findall(text)
    parts, end = _read(tokens, 0)
    if end != len(tokens):
        raise ValueError(f"brackets: {text}")
    return parts[0]


def _read(tokens: list[str], start: int) -> tuple[list[tuple[Part, ...]], int]:
    """The alternatives up to the closing bracket, and where it is."""
    found: list[list[Part]] = [[]]
    position = start
    while position < len(tokens):
        token = tokens[position]
        if token == "]":
            break
        if token[0] == "[":
            several, position = _read(tokens, position + 1)
            found[-1].append(("one" if token == "[" else "same", several))
        elif token == "|":
            found.append([])
        elif token == "#":
            found[-1].append(("digit", None))
        elif token[0] == "{":
            found[-1].append(("word", token[1:-1]))
        else:
            found[-1].append(token)
        position += 1
    return [tuple(parts) for parts in found], position


def draw(text: str, rng: random.Random, said: dict[str, str], lists: dict[str, list[str]]) -> str:
    """One way to say it. A word that was drawn stays the same in the ticket: `said` keeps it."""
    out: list[str] = []
    _draw(compiled(text), rng.random, said, lists, out)
    drawn = "".join(out).replace("  ", " ").rstrip()
    return drawn[:1].upper() + drawn[1:] if text[0] in "[{" else drawn


def _draw(parts: tuple[Part, ...], dice: Any, said: dict[str, str], lists: dict[str, list[str]], out: list[str]) -> None:
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
        return text + draw(rng.choice(DAZU if german else CONTEXT), rng, {}, {})
    if mood == "long":
        return text + draw(rng.choice(GESCHICHTE if german else STORY), rng, {}, {})
    if mood == "polite" and text[0].isupper() and not text.startswith(GREETED):
        return rng.choice(HALLO if german else HELLO) + text
    if mood == "lower":
        return lower(text)
    if mood == "typos":
        return mistyped(text, rng)
    if mood == "angry":
        angry = text + rng.choice(WÜTEND if german else ANGRY)
        return angry.upper() if rng.random() < 0.15 else angry
    return re.split(r"(?<=[.!?]) ", text, maxsplit=1)[0] if mood == "terse" else text


def signed(text: str, rng: random.Random, *, first: str, agent: str, german: bool) -> str:
    """A reply of the desk, as some of them write it."""
    chance = rng.random()
    if chance < 0.16 and first not in text:
        text = rng.choice(GUTEN_TAG if german else HELLO_YOU).format(first) + text
    if 0.1 < chance < 0.36:
        text += rng.choice(GRUSS if german else REGARDS).format(agent)
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
        return rng.choice(("DRINGEND: ", "") if german else ("URGENT: ", "Again: ", "")) + text + rng.choice(("!", "!!", ""))
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
