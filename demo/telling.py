"""One ticket, told from a story: who reports what where, and what follows, turn by turn. Plain data, no database.

Nothing that is drawn here depends on the date, so that a seed says the same on any day; only the moments move.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from demo.campus import HERE, Cast, Person, Place
from demo.hours import awake, between, in_office, span_of
from demo.stories import Step, Story, stories

if TYPE_CHECKING:
    from demo.photos import Photo

CONFIDENTIAL = ("it-accounts", "services-complaints")
CHANNELS = {"web": 74, "email": 14, "staff": 6, "api": 4, "qr": 2}
AT_HOME = {
    "bedroom": "student", "bathroom": "student", "flat": "student", "study": "student", "office": "office teacher",
    "teaching": "teacher teacher student", "theatre": "teacher teacher student", "lab": "teacher student",
    "server": "teacher",
}  # fmt: skip
"""The kinds of people who report from a kind of place."""
ANYBODY = "student student student teacher office"
SHARE = {"it": (52, 26, 13, 9), "facilities": (38, 28, 20, 14), "services": (52, 26, 22)}
"""How much of a team's work each of its people takes, in the order of the table of people."""
PACE: dict[str, tuple[float, float, float, float]] = {
    "urgent": (5, 8, 20, 70),
    "high": (15, 45, 70, 260),
    "normal": (40, 120, 200, 600),
    "low": (100, 300, 400, 1500),
}
"""Minutes, the median: until it is looked at, until a reporter answers, between two turns of the desk, until solved."""
LATEST = timedelta(days=13)
MINUTES_UNTIL_BACK = 2200.0
"""Until somebody finds that it was not solved."""
THANKS = (
    "Thank you, all good now.",
    "Perfect, thanks a lot!",
    "Works. Thank you for the quick help.",
    "Confirmed, it is fine again. Many thanks to everyone involved.",
)
DANKE = ("Vielen Dank, jetzt ist alles in Ordnung.", "Super, danke für die schnelle Hilfe!")
GREETINGS = ("hello", "hi", "guten", "hallo")


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that happens to a ticket. `kind` is a verb of whoever writes it down.

    say, change, join, leave, photo (somebody adds some), expire (it closes by itself), task (somebody notes one), work
    (its status changes).
    """

    at: datetime
    kind: str
    by: str | None
    """A username; None for what happens by itself."""
    text: str = ""
    audience: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What it changes, with people by username. A `say` may change the status with it."""
    photos: Sequence[Photo] = ()


@dataclass(frozen=True, slots=True)
class Ticket:
    at: datetime
    by: str
    reporter: str
    channel: str
    title: str
    description: str
    category: str
    building: str | None
    room: str | None
    fields: Mapping[str, Any]
    """What staff set who report for somebody."""
    deeds: list[Deed]
    state: str
    """See `Wanted`."""
    photos: Sequence[Photo] = ()


@dataclass
class Turn:
    """A deed before it has a time: so many minutes after the one before."""

    minutes: float
    kind: str
    by: str
    text: str = ""
    audience: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    night: bool = False
    """May happen outside of the desk's hours."""
    spread: float = 0.0


@dataclass(frozen=True)
class Wanted:
    """What a ticket shall be like: `at` where it begins, `state` where it ends."""

    at: datetime
    state: str
    """new, open, in_progress, waiting, resolved, closed, expired (closed by itself), withdrawn (by the reporter)."""
    not_before: datetime
    """Neither its end before this,"""
    not_after: datetime
    """nor after this."""


@dataclass
class Wording:
    """Chooses the words. Wordings are used in turn; in a paired story the same number of everything goes together."""

    rng: random.Random
    story: Story
    number: int
    """How often the story was told before."""
    slots: dict[str, str]

    def title(self) -> str:
        return self.pick(self.story.titles)

    def text(self) -> str:
        return self.pick(self.story.texts)

    def public(self) -> str:
        return self.story.public

    def pick(self, wordings: list[str]) -> str:
        return self._fill(wordings[self.number % len(wordings)])

    def step(self, step: Step) -> str:
        drawn = self.rng.choice(step.wordings)
        return self.pick(step.wordings) if self.story.paired else self._fill(drawn)

    def _fill(self, text: str) -> str:
        filled = text.format_map(self.slots)
        return filled[0].upper() + filled[1:] if text[0] == "{" else filled


def after(status: str, step: Step, *, moves: bool) -> str:
    """Where a ticket stands after a step. A reply need not mean that work has begun: then it `moves` nothing."""
    match step.kind:
        case "ask" | "wait":
            return "waiting"
        case "solve":
            return "resolved"
        case "reply":
            return "in_progress" if moves or status != "open" else status
        case "answer":
            return "open" if status == "waiting" else status
        case "again":
            return "open"
        case _:
            return status


def stops(story: Story, state: str) -> list[int]:
    """After how many steps of the story a ticket is in this state, with its reporter answered."""
    status, answered, found = "open", False, []
    for position, step in enumerate(story.talk[: story.solved], start=1):
        status = after(status, step, moves=state != "open")
        answered = answered or step.is_public
        if status == state and answered:
            found.append(position)
    return found


class Teller:
    """Draws stories like cards from a deck, and uses each wording of one before any is used again."""

    def __init__(self, rng: random.Random, cast: Cast = HERE) -> None:
        self.rng = rng
        self.people = cast.people
        self.places = cast.places
        self.stories = stories()
        self.deck: list[Story] = []
        self.told: Counter[Story] = Counter()
        self.customers = [person for person in self.people.values() if person.is_customer]
        self.german = [person for person in self.customers if person.speaks_german]
        self.of_kind: dict[str, list[Person]] = {}
        for person in self.customers:
            self.of_kind.setdefault(person.kind, []).append(person)
        self.of_team: dict[str, list[Person]] = {}
        for person in self.people.values():
            self.of_team.setdefault(person.team or "", []).append(person)

    # --- drawing ------------------------------------------------------------------------------------------------------

    def draw(self, priorities: tuple[str, ...], state: str) -> Story:
        """The next story with one of these priorities in which a ticket can come to be in this state."""
        while True:
            for position, story in enumerate(self.deck):
                fits = state not in ("open", "in_progress", "waiting") or stops(story, state)
                if story.priority in priorities and fits:
                    return self.deck.pop(position)
            more = [story for story in self.stories for _ in range(int(story.options.get("weight", 1)))]
            self.rng.shuffle(more)
            self.deck += more

    def minutes(self, median: float) -> float:
        """Most near the median, some many times as long."""
        return self.rng.lognormvariate(math.log(median), 0.8)

    def _reporter(self, story: Story) -> Person:
        who = story.options.get("who", "")
        kinds = who.split(",") if who else AT_HOME.get(story.where[0], ANYBODY).split()
        kind = self.rng.choice(kinds)
        if story.paired:
            kind = kinds[self.told[story] % len(kinds)]
        if kind == "student" and self.rng.random() < 0.06:
            return self.people["customer"]
        return self.rng.choice(self.german if story.in_german else self.of_kind[kind])

    def _agent(self, story: Story) -> Person:
        team = self.of_team[story.team]
        drawn = self.rng.choices(team, SHARE[story.team])[0]
        return next(person for person in team if person.speaks_german) if story.in_german else drawn

    def _colleague(self, agent: Person) -> Person:
        return self.rng.choice([person for person in self.of_team[agent.team or ""] if person != agent])

    def _place(self, story: Story) -> Place | None:
        if story.here:
            building, _, room = story.here.partition(", ")
            return Place(building, room, room, room) if room else None
        places = [place for kind in story.where for place in self.places.get(kind, [])]
        return self.rng.choice(places) if places else None

    def _channel(self, story: Story) -> str:
        drawn = self.rng.choices(list(CHANNELS), list(CHANNELS.values()))[0]
        if (drawn == "qr" and story.where == ("none",)) or (drawn == "staff" and story.category in CONFIDENTIAL):
            drawn = "web"  # the codes hang on doors; and some things people rather write themselves
        return story.options.get("channel", drawn)

    def _filed(self, story: Story) -> tuple[str, str | None]:
        """The category that the reporter chose, and the right one where that was another."""
        chance, other = self.rng.random(), self.rng.choice(self.stories).category
        if chance < 0.05:
            return story.team, story.category
        if chance < 0.09 and other not in (story.category, *CONFIDENTIAL):
            return other, story.category
        return story.category, None

    def _letter(self, text: str, channel: str, reporter: Person, story: Story) -> str:
        """By mail people greet and sign; on the phone somebody of the desk writes it down."""
        signs, hello = self.rng.random() < 0.7, self.rng.choice(("Hello,", "Dear helpdesk,", "Hi,", "Good morning,"))
        regards = self.rng.choice(("Best regards", "Thanks", "Kind regards", "Best"))
        if channel == "staff":
            return f"On the phone: {text}"
        if channel != "email" or text[0].islower() or text.lower().startswith(GREETINGS):
            return text
        return f"{hello}\n\n{text}" + (f"\n\n{regards}\n{reporter.name.partition(' (')[0]}" if signs else "")

    # --- telling ------------------------------------------------------------------------------------------------------

    def tell(self, story: Story, wanted: Wanted) -> Ticket:
        """A ticket that begins with this story and ends as wanted."""
        reporter, agent, place = self._reporter(story), self._agent(story), self._place(story)
        say = self._wording(story, reporter, agent, place)
        channel = self._channel(story)
        filed, moved = self._filed(story)
        description = self._letter(say.text(), channel, reporter, story)
        turns = self._turns(story, wanted.state, reporter, agent, say, moved)
        by, fields = reporter.username, {}
        if channel == "staff":
            by, fields = self._colleague(agent).username, {"priority": story.priority}
        people = [] if filed in CONFIDENTIAL or moved else self._joiners(story, reporter)
        if people:
            _address_all(turns)
        deeds = self._in_time(turns, wanted, story)
        deeds += self._joined(people, story, say, wanted, deeds)
        deeds.sort(key=lambda deed: deed.at)
        return Ticket(
            at=wanted.at, by=by, reporter=reporter.username, channel=channel, title=say.title(),
            description=description, category=filed, building=place.building if place else None,
            room=place.room if place else None, fields=fields, deeds=deeds, state=wanted.state,
        )  # fmt: skip

    def _wording(self, story: Story, reporter: Person, agent: Person | None, place: Place | None) -> Wording:
        slots = {name: self.rng.choice(words) for name, words in story.words.items()}
        slots |= {"first": reporter.first, "name": reporter.name, "agent": agent.first if agent else ""}
        if place:
            slots |= {"place": place.spoken, "room": place.raw, "building": place.building}
        self.told[story] += 1
        return Wording(self.rng, story, self.told[story] - 1, slots)

    def _turn(self, median: float, kind: str, by: Person, **more: Any) -> Turn:
        return Turn(self.minutes(median), kind, by.username, spread=self.rng.random(), **more)

    def _turns(
        self, story: Story, state: str, reporter: Person, agent: Person, say: Wording, moved: str | None
    ) -> list[Turn]:
        if state == "new":
            return []
        by = self.of_team[story.team][0] if self.rng.random() < 0.45 else agent
        tagged, begins = self.rng.random() < 0.75, self.rng.random() < 0.75
        moves = state != "open" and (state == "in_progress" or begins)
        turns = [
            self._turn(PACE[story.priority][0], "change", by, fields=_triage(story, agent, moved, say, tagged=tagged))
        ]
        status, before = "open", ""
        for step in self._steps(story, state):
            turn = self._said(story, step, before, reporter, agent, say)
            to = after(status, step, moves=moves)
            if to != status and turn.audience:
                turn.fields["status"] = to
            turns.append(turn)
            status, before = to, step.kind
        turns += self._ending(story, state, status, reporter, agent)
        for position, turn in enumerate(turns):
            # somebody is on duty for these
            turn.night |= story.priority == "urgent" or (story.priority == "high" and position < 2)
        return turns

    def _said(self, story: Story, step: Step, before: str, reporter: Person, agent: Person, say: Wording) -> Turn:
        _, answers, replies, solves = PACE[story.priority]
        text = say.step(step)
        if step.is_reporters:
            pace = answers if step.kind == "answer" else MINUTES_UNTIL_BACK
            return self._turn(pace, "say", reporter, text=text, night=True)
        by, pace = agent, solves if step.kind == "solve" else replies
        if step.kind == "note":
            by, pace = self._colleague(agent) if self.rng.random() < 0.35 else agent, replies * 0.4
        if before == "wait":
            pace *= 3
        if not before:
            pace = min(pace, replies) * 0.4
        return self._turn(pace, "say", by, text=text, audience="internal" if step.kind == "note" else "reporter")

    def _steps(self, story: Story, state: str) -> list[Step]:
        """As much of the conversation as there was."""
        chance = self.rng.random()
        talk = [step for step in story.talk if step.kind != "word"]
        came_back = next((position for position, step in enumerate(talk) if step.kind == "again"), None)
        if state == "withdrawn":
            return []
        if state in ("resolved", "closed", "expired"):
            return talk[:came_back] if chance < 0.65 else talk
        if state == "open" and came_back and chance < 0.5:
            return talk[: came_back + 1]
        found = stops(story, state)
        stop = found[-1] if chance < 0.6 else self.rng.choice(found)
        return [step for step in story.talk[:stop] if step.kind != "word"]

    def _ending(self, story: Story, state: str, status: str, reporter: Person, agent: Person) -> list[Turn]:
        """What comes after the conversation."""
        thanks, words = self.rng.random() < 0.05, self.rng.choice(DANKE if story.in_german else THANKS)
        if state in ("closed", "withdrawn"):
            return [self._turn(400, "change", reporter, fields={"status": "closed"}, night=True)]
        if state in ("resolved", "expired") and thanks:
            # polite, and it reopens the ticket: they do it all the time
            polite = self._turn(180, "say", reporter, text=words, night=True)
            return [polite, self._turn(60, "change", agent, fields={"status": "resolved"})]
        return []

    def _in_time(self, turns: list[Turn], wanted: Wanted, story: Story) -> list[Deed]:
        """Give each turn its moment, so that the end lies where it is wanted."""
        if not turns:
            return []
        at, moments = wanted.at, []
        for turn in turns:
            at = at + timedelta(minutes=turn.minutes) if turn.night else in_office(at, turn.minutes, turn.spread)
            if turn.night and story.priority != "urgent":
                at = awake(at, turn.spread)
            moments.append(at)
        end = min(max(moments[-1], wanted.not_before), wanted.not_after)
        if end != moments[-1]:
            whole = moments[-1] - wanted.at
            moments = [between(wanted.at, end, (moment - wanted.at) / whole) for moment in moments]
        moments = _back_in_time(turns, moments)
        deeds = [_deed(turn, moment) for turn, moment in zip(turns, moments, strict=True)]
        if wanted.state == "expired":
            late = timedelta(days=14, seconds=int(900 * turns[-1].spread))
            deeds.append(Deed(deeds[-1].at + late, "expire", None))
        return deeds

    # --- the queue of this moment -------------------------------------------------------------------------------------

    def tell_queue(self, story: Story, now: datetime) -> Ticket:
        """One that is told to the minute in `queue.txt`: its turns lie evenly between its beginning and its end."""
        reporter, place, state = self.people[story.by], self._place(story), story.options["state"]
        agent = self.people.get(story.options.get("agent", ""))
        start, last = ((now - span_of(story.options[name])).replace(microsecond=0) for name in ("age", "last"))
        say = self._wording(story, reporter, agent, place)
        people = [] if story.category in CONFIDENTIAL else self._joiners(story, reporter)
        turns = self._queue_turns(story, state, reporter, agent or self.of_team[story.team][0], say, people)
        if agent is None and state != "new":
            turns[0].fields.pop("assignee")
        if people:
            _address_all(turns)
        share_of = {person.username: 0.05 + 0.9 * self.rng.random() ** 1.5 for person in people}
        deeds = []
        for turn, share in zip(turns, _shares(turns, last - start), strict=True):
            deeds.append(_deed(turn, between(start, last, share)))
            if turn.by in share_of:  # who says something has joined before
                share_of[turn.by] = max(0.01, min(share_of[turn.by], share - 0.02))
        deeds += [Deed(between(start, last, share), "join", who) for who, share in share_of.items()]
        deeds.sort(key=lambda deed: deed.at)
        return Ticket(
            at=start, by=reporter.username, reporter=reporter.username, channel="web", title=say.title(),
            description=say.text(), category=story.category, building=place.building if place else None,
            room=place.room if place else None, fields={}, deeds=deeds, state=state,
        )  # fmt: skip

    def _queue_turns(
        self, story: Story, state: str, reporter: Person, agent: Person, say: Wording, people: list[Person]
    ) -> list[Turn]:
        turns, status, speakers = [], "open", iter(people)
        if state != "new":
            lead = story.options.get("triage", self.of_team[story.team][0].username)
            turns.append(Turn(0, "change", lead, fields=_triage(story, agent, None, say, tagged=True)))
        for step in story.talk:
            # the answer to a question comes soon
            turn = Turn(self.rng.uniform(0.6, 1.4) * (0.3 if step.is_reporters else 1), "say", "", text=say.step(step))
            if step.kind == "word":
                turn.by = step.who or next(speakers).username
            elif step.is_reporters:
                turn.by = reporter.username
            else:
                turn.by = step.who or agent.username
                turn.audience = "internal" if step.kind == "note" else "reporter"
            to = after(status, step, moves=state == "in_progress")
            if to != status and turn.audience:
                turn.fields["status"] = to
            turns.append(turn)
            status = to
        if status != state and state == "in_progress":
            turns.append(Turn(0.1, "change", agent.username, fields={"status": state}))
        return turns

    # --- several people -----------------------------------------------------------------------------------------------

    def _joiners(self, story: Story, reporter: Person) -> list[Person]:
        """Who else is affected: as many as the story says, and now and then somebody in a place that many use."""
        low, high = story.joins
        number, also = self.rng.randint(low, high), self.rng.random()
        if not high and also < 0.2 and not {"bedroom", "office", "none", "here"} & set(story.where):
            number = 1 + (also < 0.07) + (also < 0.02)
        among = self.of_kind["student"] if "residence" in story.tags else self.customers
        drawn = self.rng.sample(among, number + 2)
        named = [
            self.people[name] for name in (story.options.get("follows"), *(step.who for step in story.talk)) if name
        ]
        people = dict.fromkeys([*named, *drawn])
        return [person for person in people if person != reporter and person.is_customer][:number]

    def _joined(
        self, people: list[Person], story: Story, say: Wording, wanted: Wanted, deeds: list[Deed]
    ) -> list[Deed]:
        """When each of them joined, and what some of them said."""
        if not people or not deeds:
            return []
        over = (deed.at for deed in deeds if deed.fields.get("status") in ("resolved", "closed"))
        start, end = wanted.at, next(over, deeds[-1].at)
        share_of = {person.username: 0.03 + 0.9 * self.rng.random() ** 1.5 for person in people}
        lines = [step for step in story.talk if step.kind == "word"]
        happened = []
        for position, step in enumerate(lines):
            who = people[position % len(people)].username
            share = (position + 0.8 + self.rng.random() * 0.4) / (len(lines) + 1)
            happened.append(Deed(between(start, end, share), "say", who, text=say.step(step)))
            share_of[who] = min(share_of[who], share - 0.02)
        happened += [Deed(between(start, end, share), "join", who) for who, share in share_of.items()]
        if self.rng.random() < 0.08 and len(people) > 5:
            happened.append(Deed(between(start, end, 0.97), "leave", people[-1].username))
        return happened


def _triage(story: Story, agent: Person, moved: str | None, say: Wording, *, tagged: bool) -> dict[str, Any]:
    """What the desk sets when it first looks at a ticket."""
    fields: dict[str, Any] = {"assignee": agent.username}
    if story.priority != "normal":
        fields["priority"] = story.priority
    if moved:
        fields["category"] = moved
    if story.tags and tagged:
        fields["tags"] = story.tags
    if story.public:
        fields["public_title"] = say.public()
    return fields


def _deed(turn: Turn, at: datetime) -> Deed:
    return Deed(at.replace(microsecond=0), turn.kind, turn.by, turn.text, turn.audience, turn.fields)


def _back_in_time(turns: list[Turn], moments: list[datetime]) -> list[datetime]:
    """Nobody comes back later than a resolved ticket can be reopened: they would have to report it anew."""
    solved = None
    for position, turn in enumerate(turns):
        if solved is not None and turn.audience is None and moments[position] - solved > LATEST:
            moments[position] = solved + LATEST
        solved = moments[position] if turn.fields.get("status") == "resolved" else None
    return moments


def _address_all(turns: list[Turn]) -> None:
    """Where others are affected, they read what the desk says; a question is for the reporter alone."""
    for turn in turns:
        if turn.audience == "reporter" and not (turn.fields.get("status") == "waiting" and turn.text.endswith("?")):
            turn.audience = "affected"


def _shares(turns: list[Turn], span: timedelta) -> list[float]:
    """How much of the time has passed at each turn. The desk looks at it soon, and replies within a few hours."""
    early = [min(0.05, timedelta(minutes=40) / span), min(0.15, timedelta(minutes=150) / span)]
    if turns[0].kind != "change" or len(turns) < 3:
        early = []
    passed = list(accumulate(turn.minutes for turn in turns[len(early) :]))
    begin = early[-1] if early else 0.0
    return early + [begin + (1 - begin) * (minutes / passed[-1] if passed[-1] else 1) for minutes in passed]
