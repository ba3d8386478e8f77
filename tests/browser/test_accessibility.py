"""axe-core finds nothing serious, light and dark, wide and narrow."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.watched import Watched

STATES = {
    "images": "?model=cgan-mnist&seed=1&n=8",
    "morph": "?model=cgan-mnist&label=1&seed=1&n=8&morph=1,2",
    "translator": "?model=eurosat-colour",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("state", STATES)
def test_the_gallery_has_no_serious_violation(
    watched: Watched, state: str, width: int, scheme: str
) -> None:
    watched.page.set_viewport_size({"width": width, "height": 800})
    watched.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page = watched.open(STATES[state])
    if state == "morph":
        expect(page.locator("#morph")).to_be_visible()
    assert serious(watched) == []
    if state == "images":
        page.locator("#results img").first.click()
        assert serious(watched) == []


def test_the_api_page_has_no_serious_violation(watched: Watched) -> None:
    watched.page.goto(f"{watched.url}/docs")
    watched.page.wait_for_selector("h1")
    assert serious(watched) == []


def serious(watched: Watched) -> list[str]:
    violations = Axe().run(watched.page).response["violations"]
    return [
        f"{violation['id']}: {violation['help']}: {node['target']}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
