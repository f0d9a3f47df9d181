"""What the desk of the demo campus sends often: title, the team that has it (None: everybody), and the words."""

from __future__ import annotations


def _letter(words: str) -> str:
    """A paragraph between how it begins and how it ends; where it was broken for this file it goes on."""
    return f"Hello {{{{reporter.first_name}}}},\n\n{' '.join(words.split())}\n\n{{{{agent.first_name}}}}"


REPLIES: tuple[tuple[str, str | None, str], ...] = (
    (
        "On our way",
        None,
        _letter("""Thank you for telling us. Somebody is on the way and looks at it today. You do not have to be
            there."""),
    ),
    (
        "A few details, please",
        None,
        _letter("""So that we bring the right tools: in which room is it exactly, since when, and what do you see? A
            photo says it quickest: {{ticket.link}}"""),
    ),
    (
        "Waiting for a part",
        "facilities",
        _letter("""We have looked at it and ordered a part. It usually takes three to five working days. We write again
            when it is here."""),
    ),
    (
        "Wi-Fi: forget the network and join again",
        "it",
        _letter("""Forget the network eduroam on your device, then join it again with your whole address as the name
            (`name@campus.test`). If it still does not work, tell us the device and the room."""),
    ),
    (
        "Known problem",
        None,
        _letter("""We know of this and are working on it. You find how it stands at {{ticket.link}}, and we write when
            it is done."""),
    ),
    (
        "Done: tell us if not",
        None,
        _letter("""It should work again. If it does not, answer within 14 days and “{{ticket.title}}” is open
            again."""),
    ),
)
