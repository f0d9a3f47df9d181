"""The one way from what people write to HTML: Markdown without HTML, then a sanitizer, at every render."""

from __future__ import annotations

from functools import lru_cache

import nh3
from markdown_it import MarkdownIt

# no tables: three kilobytes of one can ask for a hundred thousand cells
_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False}).enable("strikethrough")
_markdown.disable(["image", "heading", "lheading", "html_block", "html_inline"])
_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "hr", "li", "ol", "p", "pre", "s", "strong", "ul",
}  # fmt: skip


@lru_cache(maxsize=256)
def render(text: str) -> str:
    """Sanitised HTML. Pictures and headings are left as text: a comment is not a page, and fetches nothing."""
    return nh3.clean(
        _markdown.render(text),
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
    )
