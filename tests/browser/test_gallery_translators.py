"""Translators in the gallery: uploads, examples, and what comes late."""

import re
from pathlib import Path

import httpx
from playwright.sync_api import Route, expect

from tests.browser.page import RESULTS, choose_model, generate, let_it_settle, wait_for
from tests.browser.watched import Watched
from tests.toy_images import file_of, noise


def test_an_uploaded_image_is_translated(watched: Watched, tmp_path: Path) -> None:
    page = watched.open("?model=eurosat-colour")
    source = tmp_path / "source.png"
    source.write_bytes(file_of(noise(60, 80)))
    page.get_by_label(re.compile("Choose an image")).set_input_files(source)
    after = page.get_by_alt_text("after: the translation")
    expect(after).to_be_visible()
    expect(after).to_have_js_property("naturalWidth", 64)  # 0 until it is decoded
    expect(after).to_have_js_property("naturalHeight", 64)
    page.get_by_role("checkbox", name="keep its size").check()
    expect(after).to_have_js_property("naturalWidth", 80)
    expect(page.get_by_label("curl", exact=True)).to_contain_text("keep_size=true")


def test_the_last_wish_counts_whatever_comes_last(watched: Watched, tmp_path: Path) -> None:
    page = watched.open("?model=eurosat-colour")
    page.evaluate(
        """() => {
          const ask = window.fetch;
          window.late = [];
          window.fetch = async (url, ...others) => {
            if (String(url).includes("keep_size")) await new Promise((go) => window.late.push(go));
            return ask(url, ...others);
          };
        }"""
    )
    source = tmp_path / "source.png"
    source.write_bytes(file_of(noise(60, 80)))
    page.get_by_label(re.compile("Choose an image")).set_input_files(source)
    after = page.get_by_alt_text("after: the translation")
    expect(after).to_have_js_property("naturalWidth", 64)
    first = after.get_attribute("src") or ""
    page.get_by_role("checkbox", name="keep its size").check()
    page.get_by_role("checkbox", name="keep its size").uncheck()
    expect(after).not_to_have_attribute("src", first)
    with page.expect_response(re.compile("keep_size=true")):
        page.evaluate("window.late.forEach((go) => go())")
    let_it_settle(page)
    expect(after).to_have_js_property("naturalWidth", 64)
    expect(page.get_by_label("curl", exact=True)).not_to_contain_text("keep_size")


def test_an_example_shows_what_a_translator_does(watched: Watched) -> None:
    page = watched.open()
    choose_model(page, "eurosat-colour")
    expect(page.locator(RESULTS)).to_have_count(0)
    page.get_by_role("button", name="Take an example").click()
    expect(page.get_by_alt_text("after: the translation")).to_be_visible()
    page.get_by_label("Before / after").fill("0")
    assert page.locator("#compare").evaluate("f => f.style.getPropertyValue('--wipe')") == "0%"
    choose_model(page, "dcgan-mnist")
    expect(page.locator("#translate")).to_be_hidden()
    expect(page.locator(RESULTS).first).to_be_visible()


def test_an_example_that_comes_late_takes_no_image_of_the_visitors_place(
    watched: Watched, tmp_path: Path
) -> None:
    page = watched.open("?model=eurosat-colour")
    late: list[Route] = []
    page.route("**/preview.png", lambda route: late.append(route))
    page.get_by_role("button", name="Take an example").click()
    wait_for(page, lambda: len(late) == 1)
    source = tmp_path / "source.png"
    source.write_bytes(file_of(noise(60, 80)))
    page.get_by_label(re.compile("Choose an image")).set_input_files(source)
    expect(page.get_by_alt_text("after: the translation")).to_be_visible()
    before = page.locator("#before")
    expect(before).to_have_js_property("naturalWidth", 80)
    with page.expect_response("**/preview.png"):
        late[0].continue_()
    let_it_settle(page)
    expect(before).to_have_js_property("naturalWidth", 80)


def test_images_that_come_late_leave_a_translators_address_alone(watched: Watched) -> None:
    page = watched.open("?model=dcgan-mnist&n=2")
    late: list[Route] = []
    page.route("**/generate*", lambda route: late.append(route))
    generate(page)
    wait_for(page, lambda: len(late) == 2)
    choose_model(page, "eurosat-colour")
    address = page.url
    with page.expect_response(re.compile("/generate")):
        for route in late:
            route.continue_()
    let_it_settle(page)
    assert page.url == address
    assert "seed" not in address


def test_an_error_is_shown_in_the_words_of_the_service(watched: Watched, tmp_path: Path) -> None:
    page = watched.open("?model=eurosat-colour")
    text = tmp_path / "text.png"
    text.write_text("this is no image")
    page.get_by_label(re.compile("Choose an image")).set_input_files(text)
    refused = httpx.post(
        f"{watched.url}/translate",
        content=b"this is no image",
        headers={"Content-Type": "image/png"},
    ).json()
    expect(page.get_by_role("alert")).to_have_text(f"{refused['title']}: {refused['detail']}")
    page.get_by_role("button", name="Take an example").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    assert [error for error in watched.errors if "415" not in error] == []
    watched.errors.clear()  # the browser's own note of the 415
