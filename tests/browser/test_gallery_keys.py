"""The gallery and /docs before a service that wants an API key."""

import io
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from app.access.keys import new_key
from app.settings import Settings
from tests.access_files import add_key, bearer
from tests.browser.conftest import MODELS
from tests.live_server import LiveServer, live_server

RESULTS = "#results img"


@dataclass
class Guarded:
    server: LiveServer
    key: str
    page: Page

    def open(self, query: str = "") -> Page:
        self.page.goto(f"{self.server.url}/{query}")
        return self.page

    def give_key(self, key: str) -> None:
        self.page.get_by_label("API key").fill(key)
        self.page.get_by_role("button", name="Open the gallery").click()

    def image(self, path: str) -> bytes:
        return httpx.get(self.server.url + path, headers=bearer(self.key)).content


@pytest.fixture(scope="module")
def server_and_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveServer, str]]:
    path = tmp_path_factory.mktemp("access") / "keys.toml"
    key = add_key(path, "visitor")
    settings = Settings(models=MODELS, device="cpu", api_keys_file=path)
    with live_server(settings) as server:
        yield server, key


@pytest.fixture
def guarded(chromium: Browser, server_and_key: tuple[LiveServer, str]) -> Iterator[Guarded]:
    context = chromium.new_context(reduced_motion="reduce", accept_downloads=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield Guarded(*server_and_key, page)
    context.close()
    assert errors == []


def test_the_gallery_asks_for_a_key_and_shows_images_with_it(guarded: Guarded) -> None:
    page = guarded.open("?model=cgan-mnist&seed=42&n=4")
    expect(page.get_by_label("API key")).to_be_visible()
    expect(page.locator("#problem")).to_be_hidden()
    guarded.give_key(guarded.key)
    page.wait_for_selector("#results[aria-busy=false]", state="attached")
    expect(page.get_by_label("API key")).to_be_hidden()
    expect(page.locator("#problem")).to_be_hidden()
    expect(page.locator(RESULTS)).to_have_count(4)
    for image in page.locator(RESULTS).all():
        assert str(image.get_attribute("src")).startswith("blob:")
        assert image.evaluate("image => image.naturalWidth") == 32
    expect(page.locator(".model img").first).to_have_attribute("src", re.compile("^blob:"))
    page.reload()
    expect(page.locator(RESULTS).first).to_have_attribute("src", re.compile("^blob:"))
    assert guarded.key not in page.url


def test_a_wrong_key_is_told_and_asked_for_again(guarded: Guarded) -> None:
    guarded.open()
    guarded.give_key(new_key())
    expect(guarded.page.locator("#problem")).to_contain_text("not one of those")
    expect(guarded.page.get_by_label("API key")).to_be_visible()
    guarded.give_key(guarded.key)
    expect(guarded.page.locator(RESULTS).first).to_be_visible()


def test_an_image_is_downloaded_and_made_again_with_the_key(
    guarded: Guarded, tmp_path: Path
) -> None:
    page = guarded.open("?model=cgan-mnist&seed=42&n=3")
    guarded.give_key(guarded.key)
    page.locator(RESULTS).nth(1).click()
    dialog = page.get_by_role("dialog")
    line = dialog.get_by_label("curl", exact=True).inner_text()
    assert guarded.key not in dialog.inner_text()
    assert "<img" not in dialog.inner_text()
    made = {"cwd": tmp_path, "env": {"PATH": "/usr/bin:/bin", "API_KEY": guarded.key}}
    subprocess.run(["bash", "-c", f"{line} -s"], check=True, **made)  # type: ignore[call-overload]
    (file,) = tmp_path.iterdir()
    with page.expect_download() as download:
        dialog.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == file.name
    assert Path(download.value.path()).read_bytes() == file.read_bytes()
    assert Image.open(io.BytesIO(file.read_bytes())).size == (32, 32)
    python = dialog.get_by_label("Python", exact=True).inner_text()
    namespace: dict[str, bytes] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("API_KEY", guarded.key)
        exec(python, namespace)  # noqa: S102  # the line that readers are told to run
    assert namespace["image"] == file.read_bytes()


def test_two_images_morph_with_the_key(guarded: Guarded) -> None:
    page = guarded.open("?model=cgan-mnist&label=1&seed=1&n=3&morph=1,2")
    guarded.give_key(guarded.key)
    expect(page.locator("#morph")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as APNG").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


def test_a_translator_takes_an_example_with_the_key(guarded: Guarded) -> None:
    page = guarded.open("?model=eurosat-colour")
    guarded.give_key(guarded.key)
    page.get_by_role("button", name="Take an example").click()
    expect(page.locator("#after")).to_have_attribute("src", re.compile("^blob:"))
    line = page.locator("#translate-lines").get_by_label("curl", exact=True).inner_text()
    assert '-H "Authorization: Bearer $API_KEY"' in line


def test_the_form_for_a_key_can_be_used_by_everybody(guarded: Guarded) -> None:
    page = guarded.open()
    expect(page.get_by_label("API key")).to_be_visible()
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


def test_docs_send_with_the_key_that_the_gallery_was_given(guarded: Guarded) -> None:
    page = guarded.page
    page.goto(f"{guarded.server.url}/docs")
    page.get_by_label("API key").fill(guarded.key)
    card = page.locator("details", has=page.get_by_text("/models", exact=True))
    card.locator("summary").click()
    card.get_by_role("button", name="Send").click()
    expect(card.locator("pre").first).to_contain_text("200")
    guarded.open()
    expect(page.locator(RESULTS).first).to_be_visible()
