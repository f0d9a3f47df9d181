"""Photograph a running server's staff pages: the README's three pictures, or with --all every width and theme.

    .venv/bin/python scripts/screenshots.py [--all] [--url http://127.0.0.1:8000] [--out docs/pictures]

Needs the development packages, Chromium (Debian: apt install chromium) and the demo campus.
"""

import argparse
import re
import shutil
import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, StorageState, ViewportSize, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
USER, PASSWORD = "agent", "campus-demo"
TICKET = re.compile(r"/staff/tickets?/\d+$")
STORY = "Water dripping"
"""The beginning of the ticket to show: the demo campus has much to tell of it."""

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Shot:
    """One way of looking at the pages: a desktop is 1440 wide, a phone 390."""

    width: int
    theme: Theme

    def context(self, browser: Browser, url: str, session: StorageState | None) -> BrowserContext:
        phone = self.width < 600
        return browser.new_context(
            base_url=url,
            viewport=ViewportSize(width=self.width, height=844 if phone else 900),
            device_scale_factor=1,
            is_mobile=phone,
            has_touch=phone,
            color_scheme=self.theme,
            reduced_motion="reduce",
            storage_state=session,
        )


README = [Shot(1440, "light")]
ALL = [Shot(1440, "light"), Shot(1440, "dark"), Shot(390, "light"), Shot(390, "dark")]


def sign_in(browser: Browser, url: str) -> tuple[StorageState, str]:
    """The agent's session and the path of the ticket to show. One login serves all shots: logins are limited."""
    with Shot(1440, "light").context(browser, url, None) as context:
        page = context.new_page()
        page.goto("/staff/login")
        page.fill("[name=identifier]", USER)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda address: not address.split("?")[0].endswith("/login"))
        page.goto("/staff/")
        read = "links => links.map(link => [link.pathname, link.innerText.trim()])"
        links: list[tuple[str, str]] = page.eval_on_selector_all("a[href]", read)
        found = [(path, text) for path, text in links if TICKET.search(path)]
        if not found:
            sys.exit("The queue shows no ticket: is this the demo campus?")
        ticket, _ = next((link for link in found if STORY in link[1]), found[0])
        return context.storage_state(), ticket


def photograph(context: BrowserContext, path: str, picture: Path) -> None:
    """Write what the window shows of the page at path, as a PNG of at most 256 colours."""
    page = context.new_page()
    response = page.goto(path, wait_until="networkidle")
    if response is None or not response.ok:
        sys.exit(f"{path} answers {response.status if response else 'nothing'}")
    page.evaluate("document.fonts.ready")
    png = Image.open(BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    png.quantize(256, dither=Image.Dither.NONE).save(picture, optimize=True)
    page.close()
    print(f"{picture} {picture.stat().st_size // 1024} kB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server (default: %(default)s)")
    parser.add_argument("--out", default=Path("docs/pictures"), type=Path, help="the folder (default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="1440 and 390 wide, light and dark")
    args = parser.parse_args()

    executable = CHROMIUM if Path(CHROMIUM).exists() else shutil.which("chromium")
    if executable is None:
        sys.exit("Chromium is missing. On Debian: apt install chromium")
    args.out.mkdir(parents=True, exist_ok=True)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        session, ticket = sign_in(browser, args.url)
        pages = {"login": ("/staff/login", None), "queue": ("/staff/", session), "ticket": (ticket, session)}
        for shot in ALL if args.all else README:
            for name, (path, who) in pages.items():
                suffix = f"-{shot.width}-{shot.theme}" if args.all else ""
                with shot.context(browser, args.url, who) as context:
                    photograph(context, path, args.out / f"{name}{suffix}.png")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
