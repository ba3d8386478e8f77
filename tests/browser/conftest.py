"""A real Chromium before a server of the shipped models; what it complains of fails the test."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from app.settings import Settings
from tests.browser.watched import Watched
from tests.live_server import LiveServer, live_server
from tests.waiting import PATIENCE_S

MODELS = Path(__file__).resolve().parents[2] / "models"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
expect.set_options(timeout=1000 * PATIENCE_S)


@pytest.fixture(scope="module")
def gallery_server() -> Iterator[LiveServer]:
    with live_server(Settings(models=MODELS, device="cpu")) as server:
        yield server


@pytest.fixture(scope="module")  # Playwright's loop runs, and no other file may run one beside it
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        message = "no Chromium on this machine: install Debian's package chromium"
        if os.environ.get("CI") == "1":
            pytest.fail(message)
        pytest.skip(message)
    # Not in a sandbox of its own: that needs rights which containers withhold.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def watched(chromium: Browser, gallery_server: LiveServer) -> Iterator[Watched]:
    context = chromium.new_context(reduced_motion="reduce", accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    watch = Watched(page, gallery_server.url)
    page.on(
        "console",
        lambda message: watch.errors.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: watch.errors.append(str(error)))
    page.on("request", lambda request: watch.requests.append(request.url))
    yield watch
    context.close()
    assert watch.errors == []
    own = (gallery_server.url, "blob:", "data:")
    assert [url for url in watch.requests if not url.startswith(own)] == []
