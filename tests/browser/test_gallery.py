"""The gallery page as visitors use it: in a real browser, against the shipped models."""

import re
import subprocess
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.page import RESULTS, generate, sources
from tests.browser.watched import Watched


def test_a_visitor_sees_images_at_once_and_others_at_a_click(watched: Watched) -> None:
    page = watched.open()
    before = sources(page)
    assert len(before) > 1
    generate(page)
    expect(page.locator(RESULTS).first).not_to_have_attribute("src", before[0])
    expect(page.locator(RESULTS)).to_have_count(len(before))
    assert not set(before) & set(sources(page))


def test_every_image_is_of_the_class_that_was_picked(watched: Watched) -> None:
    page = watched.open("?model=cgan-mnist")
    page.get_by_role("radio", name="7", exact=True).check(force=True)
    expect(page.locator(RESULTS).last).to_have_attribute("src", re.compile("/generate/7[?]"))
    assert all("/generate/7?" in source for source in sources(page))


def test_captions_of_long_seeds_tell_neighbours_apart(watched: Watched) -> None:
    page = watched.open("?model=dcgan-mnist&seed=4294967294&n=3")
    assert page.locator("#results .caption").all_inner_texts() == ["…294", "…295", "0"]


def test_an_opened_image_can_be_made_again_with_the_line_shown(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.open("?model=cgan-mnist&seed=42&n=6")
    page.locator(RESULTS).nth(3).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("class 5, seed 45", ignore_case=True)
    line = dialog.get_by_label("curl", exact=True).inner_text()
    shown = httpx.get(watched.url + str(page.locator("#viewer-image").get_attribute("src")))
    subprocess.run(["bash", "-c", f"{line} -s"], cwd=tmp_path, check=True)
    (file,) = tmp_path.iterdir()
    assert file.read_bytes() == shown.content
    with page.expect_download() as download:
        dialog.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes() == shown.content
    assert download.value.suggested_filename == file.name


def test_the_python_line_gives_the_image_too(watched: Watched) -> None:
    page = watched.open("?model=dcgan-mnist&seed=1&n=2")
    page.locator(RESULTS).first.click()
    namespace: dict[str, bytes] = {}
    exec(page.get_by_role("dialog").get_by_label("Python", exact=True).inner_text(), namespace)  # noqa: S102  # the line that readers are told to run
    shown = httpx.get(watched.url + str(page.locator("#viewer-image").get_attribute("src")))
    assert namespace["image"] == shown.content


def test_arrow_keys_go_from_image_to_image_and_escape_closes(watched: Watched) -> None:
    page = watched.open("?model=dcgan-mnist&seed=10&n=4")
    page.locator(RESULTS).first.click()
    heading = page.locator("#viewer-heading")
    page.keyboard.press("ArrowRight")
    expect(heading).to_have_text("Seed 11")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(heading).to_have_text("Seed 13")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_shared_address_shows_the_same(watched: Watched) -> None:
    page = watched.open("?model=cgan-fashion-mnist&label=Bag&seed=7&n=5&truncation=0.8")
    shown = sources(page)
    assert len(shown) == 5
    assert all("/generate/bag?" in source and "truncation=0.8" in source for source in shown)
    address = page.url
    assert "label=Bag" in address
    page.goto("about:blank")
    watched.open(address.removeprefix(f"{watched.url}/"))
    assert sources(page) == shown


def test_generating_puts_the_new_seed_into_the_address(watched: Watched) -> None:
    page = watched.open("?model=dcgan-mnist&seed=7&n=2")
    generate(page)
    page.wait_for_url(re.compile(r"seed=(?!7\b)\d+"))
    seed = page.get_by_label("Seed", exact=True).input_value()
    assert f"seed={seed}" in page.url
    page.get_by_role("checkbox", name="a new seed each time").uncheck()
    generate(page)
    assert page.get_by_label("Seed", exact=True).input_value() == seed


def test_the_slider_moves_through_the_seeds(watched: Watched) -> None:
    page = watched.open("?model=dcgan-mnist&seed=41&n=2")
    page.get_by_label("Seed, as a slider").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(RESULTS).first).to_have_attribute("src", re.compile("seed=42$"))
    assert page.get_by_label("Seed", exact=True).input_value() == "42"


def test_two_picked_images_are_morphed(watched: Watched) -> None:
    page = watched.open("?model=cgan-mnist&label=3&seed=5&n=6")
    said = page.locator("#status")
    page.get_by_role("checkbox", name="Morph with class 3, seed 6").check()
    expect(said).to_have_text("Choose a second image to morph to.")
    page.get_by_role("checkbox", name="Morph with class 3, seed 9").check()
    expect(said).to_have_text("6 images of cgan-mnist, from seed 5 on")
    panel = page.get_by_role("region", name="Morph")
    expect(panel).to_be_visible()
    frame = page.locator("#morph-canvas")
    expect(frame).to_have_attribute("aria-label", re.compile("^frame 1 of"))
    first = frame.evaluate("canvas => canvas.toDataURL()")
    panel.get_by_label("From the one to the other").press("End")
    assert frame.evaluate("canvas => canvas.toDataURL()") != first
    with page.expect_download() as download:
        panel.get_by_role("link", name=re.compile("Download")).click()
    assert b"acTL" in Path(download.value.path()).read_bytes()
    assert "morph=6%2C9" in page.url or "morph=6,9" in page.url
    watched.open(page.url.removeprefix(f"{watched.url}/"))
    expect(panel).to_be_visible()
    panel.get_by_role("button", name="Close").click()
    expect(panel).to_be_hidden()


def test_a_morph_leads_from_class_to_class(watched: Watched) -> None:
    page = watched.open("?model=cgan-mnist&seed=3&n=6")
    for name in ("class 3, seed 3", "class 8, seed 8"):
        page.get_by_role("checkbox", name=f"Morph with {name}").check()
    expect(page.get_by_role("region", name="Morph")).to_be_visible()
    line = page.get_by_label("curl", exact=True).first.inner_text()
    assert "seeds=3,8" in line
    assert "labels=3,8" in line


def test_a_morph_plays_until_it_is_paused(watched: Watched) -> None:
    page = watched.open("?model=cgan-mnist&label=3&seed=5&n=6&morph=5,6")
    play = page.get_by_role("button", name="Play")
    position = page.get_by_label("From the one to the other")
    assert position.input_value() == "0"  # motion is not wanted here, so it does not begin
    play.click()
    expect(position).not_to_have_value("0")
    page.get_by_role("button", name="Pause").click()
    stopped = position.input_value()
    page.wait_for_timeout(200)
    assert position.input_value() == stopped


def test_an_address_with_a_model_that_is_not_served_says_so(watched: Watched) -> None:
    page = watched.open("?model=nobody&seed=1")
    expect(page.get_by_role("alert")).to_contain_text("'nobody'")
    assert len(sources(page)) > 1  # of another model, meanwhile
    assert all("404" in error for error in watched.errors)
    watched.errors.clear()


def test_what_an_image_lacks_is_asked_of_the_service(watched: Watched) -> None:
    page = watched.open("?model=dcgan-mnist&seed=1&n=2")
    page.route(
        "**/generate?*seed=500*",
        lambda route: route.continue_(url=route.request.url.replace("seed=500", "seed=-1")),
    )
    page.get_by_label("Seed", exact=True).fill("500")
    expect(page.get_by_role("alert")).to_contain_text("seed must be an integer from 0")
    page.get_by_label("Seed", exact=True).fill("3")
    expect(page.get_by_role("alert")).to_be_hidden()
    watched.errors.clear()


def test_nothing_but_keys_is_needed(watched: Watched) -> None:
    page = watched.open("?model=cgan-mnist&seed=1&n=2")
    # Where the first Tab lands differs from one Chromium to the next: at the top of the page, or
    # at the model that the URL chose. From there the top is a few steps back.
    for key in ("Tab", *["Shift+Tab"] * 4):
        page.keyboard.press(key)
        if page.evaluate("document.activeElement.className") == "skip":
            break
    expect(page.get_by_role("link", name="Skip to the images")).to_be_focused()
    page.get_by_role("radio", name=re.compile("^cgan-mnist cgan")).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#about-name")).not_to_contain_text("cgan-mnist, ")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#about-name")).to_contain_text("cgan-mnist, ")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")  # the first class after "all in turn"
    expect(page.locator(RESULTS).first).to_have_attribute("src", re.compile("/generate/0[?]"))
    before = sources(page)
    page.get_by_label("Seed", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(RESULTS).first).not_to_have_attribute("src", before[0])
    page.get_by_role("link", name="Skip to the images").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator("#status")).to_contain_text("second image")


def test_the_badge_says_what_really_runs_the_models(watched: Watched) -> None:
    page = watched.open()
    badge = page.locator("#provider")
    (provider,) = httpx.get(f"{watched.url}/health/ready").json()["execution_providers"]
    expect(badge).to_have_attribute("title", provider)
    expect(badge).to_have_text("runs on CPU")


def test_a_model_shows_its_measured_quality_beside_that_of_real_images(watched: Watched) -> None:
    page = watched.open("?model=cgan-mnist")
    coverage = httpx.get(f"{watched.url}/models/cgan-mnist").json()["metrics"]["coverage"]
    figure = page.locator("#about-metrics div", has_text="coverage")
    expect(figure).to_contain_text(f"{coverage['value']:.3g}")
    expect(figure).to_contain_text(f"real images: {coverage['floor']:.3g}")
    expect(figure).to_have_attribute("title", coverage["protocol"])


def test_links_are_copied(watched: Watched) -> None:
    page = watched.open("?model=dcgan-mnist&seed=3&n=2")
    page.evaluate("window.setTimeout = () => {}")  # or it says so for a moment only
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_width_needs_scrolling_sideways(watched: Watched, width: int) -> None:
    watched.page.set_viewport_size({"width": width, "height": 800})
    page = watched.open("?model=cgan-fashion-mnist&seed=1&morph=1,11")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
