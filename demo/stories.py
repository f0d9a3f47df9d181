"""Reads the problems from the `.txt` files.

A story begins with `== category priority kinds-of-place` and options (`tags=`, `who=`, `joins=4-12`, `weight=`,
`channel=`, `paired`). Then come parts, each `name: text`, over several lines where needed:

    with device: …  the words for {device}, separated by |, of which each ticket draws one
    title, text     several of each are ways to say it, used in turn; a `paired` story uses the same number of all parts
    public          the title that whoever joined reads
    word            what somebody says who joined
    ask, wait       the desk replies, and waits for the reporter or for somebody else
    reply, note     the desk replies; or writes for itself
    answer          the reporter writes
    solve           the desk replies and resolves it
    again           the reporter comes back: it was not solved
    or              another way to say the part before

`{place}`, `{room}`, `{building}`, `{first}` and `{name}` of the reporter, `{agent}` stand for what they say.

The tickets of `queue.txt` are told as they are: `here` and `by` say where and who, options the `state`, the `agent`,
the `age` of the ticket and of its `last` deed. There a part may name who says it: `note mei.chow: …`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).parent
SPOKEN = ("ask", "wait", "reply", "note", "answer", "solve", "again", "word")
_PART = re.compile(rf"^({'|'.join(SPOKEN)}|with|title|text|public|here|by|or)(?: ([a-z.]+))?: (.*)$")


@dataclass
class Step:
    """One turn of the conversation, in one or several wordings."""

    kind: str
    who: str | None
    wordings: list[str]

    @property
    def is_public(self) -> bool:
        """Whether the desk says it to the reporter."""
        return self.kind in ("ask", "wait", "reply", "solve")

    @property
    def is_reporters(self) -> bool:
        return self.kind in ("answer", "again")


@dataclass(eq=False)
class Story:
    category: str
    priority: str
    where: tuple[str, ...]
    options: dict[str, str]
    titles: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    words: dict[str, list[str]] = field(default_factory=dict)
    talk: list[Step] = field(default_factory=list)
    public: str = ""
    here: str = ""
    by: str = ""

    @property
    def team(self) -> str:
        return self.category.partition("-")[0]

    @property
    def paired(self) -> bool:
        return "paired" in self.options

    @property
    def in_german(self) -> bool:
        return self.options.get("who") == "de"

    @property
    def tags(self) -> list[str]:
        return [tag.replace("_", " ") for tag in self.options.get("tags", "").split(",") if tag]

    @property
    def joins(self) -> tuple[int, int]:
        """From how many to how many people join it."""
        low, _, high = self.options.get("joins", "0").partition("-")
        return int(low), int(high or low)

    @property
    def solved(self) -> int:
        """The position of the step that solves it, for the first time."""
        return next((position for position, step in enumerate(self.talk) if step.kind == "solve"), len(self.talk))


def _options(words: list[str]) -> dict[str, str]:
    pairs = (word.partition("=") for word in words)
    return {name: value for name, _, value in pairs}


def _parts(lines: list[str]) -> Iterator[tuple[str, str | None, str]]:
    """Name, argument and text of each part, a part's further lines joined to it."""
    part: tuple[str, str | None, str] | None = None
    for line in lines:
        if found := _PART.match(line):
            if part:
                yield part
            part = (found[1], found[2], found[3])
        elif part:
            part = (part[0], part[1], f"{part[2]}\n{line}")
    if part:
        yield part


def _read(block: str) -> Story:
    head, *lines = block.strip().splitlines()
    category, priority, where, *options = head.split()
    story = Story(category, priority, tuple(where.split(",")), _options(options))
    wordings: list[str] = []
    for name, argument, said in _parts(lines):
        text = said.strip()
        if name == "with" and argument:
            story.words[argument] = [word.strip() for word in text.split("|")]
        elif name in ("title", "text"):
            wordings = story.titles if name == "title" else story.texts
            wordings.append(text)
        elif name == "or":
            wordings.append(text)
        elif name in SPOKEN:
            wordings = [text]
            story.talk.append(Step(name, argument, wordings))
        else:
            setattr(story, name, text)
    if not story.titles or not story.texts:
        raise ValueError(f"a story without title or text: {head}")
    return story


def read(name: str) -> list[Story]:
    """The stories of a file, by its path in this folder without `.txt`."""
    blocks = re.split(r"^== ", (FOLDER / f"{name}.txt").read_text("utf-8"), flags=re.MULTILINE)
    return [_read(block) for block in blocks if block.strip()]


@lru_cache
def stories() -> list[Story]:
    """What goes wrong again and again."""
    return [story for name in ("facilities", "it", "services") for story in read(name)]


@lru_cache
def queue() -> list[Story]:
    """What goes on at this moment."""
    return read("queue")
