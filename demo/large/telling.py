"""One ticket of a large campus: a problem in words of its own, told as `demo/telling.py` tells the others."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import Any

from demo import telling
from demo.campus import Cast, Person, Place
from demo.large import words
from demo.large.people import TEAMS
from demo.stories import Step, Story, read
from demo.telling import ANYBODY, AT_HOME, Teller, Turn, stops

BUSY = 3
"""How much more often than usual something goes wrong in the weeks that are its own."""
UNSOLVED = ("open", "in_progress", "waiting")


@lru_cache
def stories() -> list[Story]:
    return [story for name in ("facilities", "it", "services") for story in read(f"large/{name}")]


@dataclass
class Wording(telling.Wording):
    """Draws words and mood. What the desk writes is neither mistyped nor angry."""

    mood: str = "plain"

    def pick(self, wordings: list[str]) -> str:
        return words.draw(self.rng.choice(wordings), self.rng, self.slots, self.story.words)

    def title(self) -> str:
        return words.title(self.pick(self.story.titles), self.mood, self.rng, german=self.story.in_german)[:200]

    def text(self) -> str:
        return words.written(self.pick(self.story.texts), self.mood, self.rng, german=self.story.in_german)

    def step(self, step: Step) -> str:
        said = self.pick(step.wordings)
        if step.kind == "word":
            return words.short(said, self.rng.choice(words.SMALL), self.rng)
        if step.is_reporters:
            return words.short(said, self.mood, self.rng)
        if step.is_public:
            names = {"first": self.slots["first"], "agent": self.slots["agent"]}
            return words.signed(said, self.rng, **names, german=self.story.in_german)
        return said

    def public(self) -> str:
        return self.pick([self.story.public])


@dataclass
class _Deck:
    """The stories that fit, to be drawn by weight."""

    found: list[Story]
    sums: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, found: Iterable[Story], phase: str) -> _Deck:
        fitting = list(found)
        weights = (float(s.options.get("weight", 1)) * (BUSY if s.options.get("busy") == phase else 1) for s in fitting)
        return cls(fitting, list(accumulate(weights)))


class LargeTeller(Teller):
    def __init__(self, rng: random.Random, cast: Cast) -> None:
        super().__init__(rng, cast)
        self.stories = stories()
        self.phase = ""
        """What the week is known for: `start` of the term, `exam`, or nothing."""
        self.decks: dict[tuple[Any, ...], _Deck] = {}
        self.shares = {team: list(accumulate(1 / (n + 3) for n in range(len(of)))) for team, of in self.of_team.items()}
        self.moods, self.mood_sums = list(words.MOODS), list(accumulate(words.MOODS.values()))

    def draw(self, priorities: tuple[str, ...], state: str) -> Story:
        wanted = (priorities, state, self.phase)
        if wanted not in self.decks:
            fitting = [
                story for story in self.stories
                if story.priority in priorities and (state not in UNSOLVED or stops(story, state))
            ]  # fmt: skip
            self.decks[wanted] = _Deck.of(fitting, self.phase)
        deck = self.decks[wanted]
        return deck.found[bisect(deck.sums, self.rng.random() * deck.sums[-1])]

    # --- who and where ------------------------------------------------------------------------------------------------

    def _reporter(self, story: Story) -> Person:
        """Some report every week, most once or twice."""
        who = story.options.get("who") or AT_HOME.get(story.where[0], ANYBODY)
        people = self.german if story.in_german else self.of_kind[self.rng.choice(who.replace(",", " ").split())]
        return people[int(len(people) * self.rng.random() ** 1.7)]

    def _team(self, story: Story) -> list[Person]:
        return self.of_team[story.options.get("team", story.team)]

    def _agent(self, story: Story) -> Person:
        team = self._team(story)
        if story.in_german:
            return self.rng.choice([person for person in team if person.speaks_german])
        shares = self.shares[team[0].team or ""]
        return team[bisect(shares, self.rng.random() * shares[-1])]

    def _colleague(self, agent: Person) -> Person:
        team = self.of_team[agent.team or ""]
        drawn = self.rng.choice(team)
        return drawn if drawn is not agent else team[team.index(agent) - 1]

    def _place(self, story: Story) -> Place | None:
        kind = self.rng.choice(story.where)
        return self.rng.choice(self.places[kind]) if kind in self.places else None

    # --- words --------------------------------------------------------------------------------------------------------

    def _wording(self, story: Story, reporter: Person, agent: Person | None, place: Place | None) -> Wording:
        slots = {"first": reporter.first, "name": reporter.name, "agent": agent.first if agent else ""}
        if place:
            slots |= {"place": place.spoken, "room": place.raw, "building": place.building}
        mood = self.moods[bisect(self.mood_sums, self.rng.random() * self.mood_sums[-1])]
        return Wording(self.rng, story, 0, slots, mood)

    def _letter(self, text: str, channel: str, reporter: Person, story: Story) -> str:
        """By mail people sign, on the phone somebody of the desk writes it down."""
        chance = self.rng.random()
        if channel == "staff":
            return f"{'Am Telefon' if story.in_german else 'On the phone'}: {text}"
        if channel != "email" or chance > 0.7:
            return text
        regards = self.rng.choice(words.WORDS["gezeichnet" if story.in_german else "signed"])
        return text if reporter.name in text else f"{text}\n\n{regards}\n{reporter.name}"

    # --- turns --------------------------------------------------------------------------------------------------------

    def _turns(
        self, story: Story, state: str, reporter: Person, agent: Person, say: telling.Wording, moved: str | None
    ) -> list[Turn]:
        turns = super()._turns(story, state, reporter, agent, say, moved)
        chance = self.rng.random()
        if turns and agent.team in TEAMS:
            turns[0].fields["team"] = agent.team
        if turns and chance < 0.09 and len(turns) > 1:
            # somebody else had it first
            first = self._colleague(agent)
            turns[0].fields["assignee"] = first.username
            turns.insert(1, self._turn(60, "change", first, fields={"assignee": agent.username}))
        return turns
