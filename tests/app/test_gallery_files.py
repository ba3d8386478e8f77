"""What the gallery page is made of comes from here, and only from here."""

import io
import re
from importlib.resources import files

import httpx
import pytest
from PIL import Image

FILES = sorted(file.name for file in (files("app") / "web" / "gallery").iterdir())
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_comes_with_its_type_and_what_it_may_do(client: httpx.Client, name: str) -> None:
    response = client.get(f"/gallery/{name}")
    assert response.status_code == 200
    assert response.headers["content-type"] == MEDIA_TYPES[name.rpartition(".")[2]]
    policy = response.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert not [directive for directive in policy if "unsafe" in directive]
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith(".png")])
def test_nothing_is_loaded_from_elsewhere(client: httpx.Client, name: str) -> None:
    text = client.get(f"/gallery/{name}").text
    assert not re.search(r"(https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text)
    inline = r"<style|<script(?![^>]*\bsrc=)|\bstyle=|\bon[a-z]+="  # all that the policy forbids
    assert not (name.endswith(".html") and re.search(inline, text))


def test_all_that_a_file_names_is_there(client: httpx.Client) -> None:
    pattern = r'(?:src|href)="(/[^"]*)"|from "\./([^"]+)"'
    texts = [client.get(f"/gallery/{name}").text for name in FILES if not name.endswith(".png")]
    named = {
        path or f"/gallery/{module}" for text in texts for path, module in re.findall(pattern, text)
    }
    assert len(named) > len(FILES) / 2
    assert {path: client.get(path).status_code for path in named} == dict.fromkeys(named, 200)


def test_the_start_page_is_the_gallery(client: httpx.Client) -> None:
    assert client.get("/").text == client.get("/gallery/index.html").text


def test_the_icon_is_a_picture(client: httpx.Client) -> None:
    response = client.get("/favicon.ico")
    assert response.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(response.content)) as icon:
        assert icon.size == (32, 32)


def test_an_unchanged_file_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get("/")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "content-type" not in again.headers


@pytest.mark.parametrize("path", ["/gallery/", "/gallery/nothing.js", "/gallery/../docs.html"])
def test_other_files_are_not_given(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_gallery_is_only_read(client: httpx.Client) -> None:
    response = client.post("/")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD"
