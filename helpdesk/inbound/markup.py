"""HTML of a mail as text: its words, lines, lists and links. Nothing of it is ever shown as HTML.

Scanned here, from left to right and never back: the standard library's parser takes minutes for 400 kB of `<a <a <a`,
html5ever twenty seconds for as much of `<div><div>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

MAX_LETTERS = 1_000_000
MOST_LETTERS_OF_A_TAG = 4_000
_RAW = frozenset({"script", "style", "title", "textarea", "xmp", "noscript", "template", "svg", "math", "object"})
"""What is within is not read."""
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "fieldset", "footer", "form",
        "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table",
        "tr", "ul",
    }
)  # fmt: skip
_APART = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "ul", "ol", "table"})
QUOTE = "\x01"
"""Begins each line of what a mail program marked as quoted."""

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]{0,40})([^<>]*)>")
_BRACKET = re.compile(r"[<>]")
_ATTRIBUTE = re.compile(r"([A-Za-z-]{1,40})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_SPACE = re.compile(r"\s+")

Token = tuple[str, str, dict[str, str]]
"""`text`, `start` or `end`; the words or the tag's name; its attributes."""


def _tokens(html: str) -> Iterator[Token]:
    said, look, low = 0, 0, html.lower()
    while (start := html.find("<", look)) >= 0:
        is_comment = html.startswith("<!--", start)
        if is_comment or html.startswith(("<!", "<?"), start):
            name, close, given = "", "", ""
            end = html.find("-->" if is_comment else ">", start + 2)
            end = end + (3 if is_comment else 1) if end >= 0 else len(html)
        else:
            bracket = _BRACKET.search(html, start + 1)
            tag = _TAG.match(html, start) if bracket and bracket[0] == ">" else None
            if tag is None:  # a bracket that somebody wrote
                look = start + 1
                continue
            close, name, given, end = tag[1], tag[2].lower(), tag[3][:MOST_LETTERS_OF_A_TAG], tag.end()
        if start > said:
            yield "text", unescape(html[said:start]), {}
        if close:
            yield "end", name, {}
        elif name:
            yield "start", name, {one[1].lower(): unescape(_value(one)) for one in _ATTRIBUTE.finditer(given)}
            if name in _RAW and not given.rstrip().endswith("/"):
                end = low.find(f"</{name}", end)
                end = end if end >= 0 else len(html)
        said = look = end
    if said < len(html):
        yield "text", unescape(html[said:]), {}


def _value(attribute: re.Match[str]) -> str:
    return attribute[2] or attribute[3] or attribute[4] or ""


class _Words:
    def __init__(self) -> None:
        self.lines: list[str] = [""]
        self.quotes: list[str] = []
        """The tags that are open since a quote began, as far as they may end it."""
        self.kept = 0
        self.link: str | None = None
        self.said = ""

    def start(self, tag: str, given: dict[str, str]) -> None:
        if tag == "br":
            self._line(always=True)
        if tag in _BLOCKS:
            self._line(apart=tag in _APART)
        if tag == "pre":
            self.kept += 1
        if (rest := given.get("id", "") in _REST) or _is_quote(tag, given):
            self.quotes.append("" if rest else tag)
        elif self.quotes and tag == self.quotes[-1]:
            self.quotes.append(tag)  # its end is not the quote's
        if tag == "li":
            self._words("- ")
        if tag in ("td", "th"):
            self._words(" ")
        if tag == "a":
            self.link, self.said = given.get("href", "").strip(), ""

    def end(self, tag: str) -> None:
        if tag == "a" and self.link is not None:
            link, self.link = self.link[:500], None
            if link.lower().startswith(("http://", "https://")) and link.rstrip("/") != self.said.strip().rstrip("/"):
                self._words(f" <{link}>" if self.said.strip() else link)
        if tag == "pre":
            self.kept = max(0, self.kept - 1)
        if tag in _BLOCKS:
            self._line(apart=tag in _APART)
        if self.quotes and tag == self.quotes[-1]:
            self.quotes.pop()

    def text(self, data: str) -> None:
        if self.kept:
            first, *others = data.split("\n")
            self._words(first)
            for line in others:
                self._line(always=True)
                self._words(line)
            return
        words = _SPACE.sub(" ", data)
        self._words(words.lstrip() if self.lines[-1] in ("", QUOTE) else words)

    def _words(self, words: str) -> None:
        if not words:
            return
        if self.quotes and not self.lines[-1].startswith(QUOTE):
            self.lines[-1] = QUOTE + self.lines[-1]
        self.lines[-1] += words
        if self.link is not None and len(self.said) < 1000:
            self.said += words

    def _line(self, *, apart: bool = False, always: bool = False) -> None:
        """Begin a line where this one has words, with an empty one before it where it is apart; never two of those."""
        if self.lines[-1] or (always and self.lines[-2:-1] != [""]):
            self.lines.append("")
        if apart and len(self.lines) > 1 and self.lines[-2]:
            self.lines.append("")


_REST = frozenset({"divRplyFwdMsg", "appendonsend", "mail-editor-reference-message-container", "reply-intro"})
"""What follows one of these, to the end, is the mail that is answered: Outlook, and others who never close it."""
_QUOTES = frozenset({"gmail_quote", "gmail_quote_container", "moz-cite-prefix", "yahoo_quoted", "protonmail_quote"})


def _is_quote(tag: str, given: dict[str, str]) -> bool:
    is_marked = bool(_QUOTES & set(given.get("class", "").split()))
    return (tag == "blockquote" and given.get("type") == "cite") or (tag in ("blockquote", "div") and is_marked)


def as_text(html: str) -> str:
    """Each line of what is marked as quoted begins with QUOTE. Takes time in proportion to its input."""
    words = _Words()
    for kind, value, given in _tokens(html[:MAX_LETTERS].replace(QUOTE, "")):
        if kind == "text":
            words.text(value)
        elif kind == "start":
            words.start(value, given)
        else:
            words.end(value)
    return "\n".join(line.rstrip() for line in words.lines).strip("\n")
