"""A browser without a network, and what a page in it says and asks for.

Belongs here: starting the system's browser and opening a file in it. Does not belong here: what the
pages show.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def installed_browser() -> Iterator[Browser]:
    """The browser of this machine; the test is skipped where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser is installed: none of {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page with everything that it says and asks for."""

    def __init__(self, browser: Browser, path: Path, **options: Any) -> None:
        context = browser.new_context(offline=True, locale="en-US", **options)
        context.set_default_timeout(60_000)
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.asked_for: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked_for.append(request.url))
        self.page.goto(path.as_uri())
        self.address = path.as_uri()

    def assert_silent(self) -> None:
        """Nothing in the console, and nothing asked for but the page and what is inside it."""
        assert self.said == []
        outside = [url for url in self.asked_for if not url.startswith(("data:", "blob:"))]
        assert outside == [self.address]

    def close(self) -> None:
        self.page.context.close()
