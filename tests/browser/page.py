"""What visitors do on the gallery page, and what it shows. Knows no test."""

import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.waiting import PATIENCE_S

RESULTS = "#results img"


def generate(page: Page) -> None:
    page.get_by_role("button", name=re.compile("generate", re.I)).first.click()


def sources(page: Page) -> list[str]:
    return [image.get_attribute("src") or "" for image in page.locator(RESULTS).all()]


def choose_model(page: Page, name: str) -> None:
    page.get_by_role("radio", name=re.compile(rf"^{re.escape(name)}\b(?!-)")).check(force=True)
    expect(page.locator("#about-name")).to_contain_text(name)


def let_it_settle(page: Page) -> None:
    """Until what has come could be shown."""
    page.evaluate("new Promise((settle) => setTimeout(settle, 200))")


def wait_for(page: Page, condition: Callable[[], bool]) -> None:
    """As ``wait_until``, while the page's events are heard."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(10)
