"""/translate asked wrongly, in every way there is: an answer that says what is wrong."""

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.app.test_generate_routes import problem
from tests.toy_images import (
    animated,
    claiming,
    file_of,
    lossless,
    noise,
)

PICTURE = file_of(noise(20, 30, 3))
PNG = {"content-type": "image/png"}


@pytest.mark.parametrize(
    ("url", "status", "part_of_detail"),
    [
        ("/translate?format=gif", 422, 'format must be one of: png, webp, jpeg, not "gif"'),
        ("/translate?keep_size=yes", 422, 'keep_size must be true or false, not "yes"'),
        ("/translate?scale=2", 422, 'unknown parameter "scale"; known are: format, keep_size'),
        ("/translate?seed=1", 422, 'unknown parameter "seed"'),
        ("/translate?format=png&format=png", 422, "twice"),
        ("/translate/tiny", 422, "'tiny' is a generator"),
        ("/translate/tiny", 422, "grey-out, invert, paint, repaint"),
        ("/translate/tiny/1", 422, "'tiny/1' is a generator"),
        ("/translate/nobody", 404, "served are: grey-out, invert, paint, repaint, tiny"),
        ("/translate/invert/3", 404, "its versions are: 1 (@"),
        ("/translate/invert@000000000000", 404, "its versions are: 1 (@"),
        ("/translate/invert/0", 422, "NAME/VERSION"),
        ("/translate/", 422, "NAME/VERSION"),
        ("/translate/%FF", 404, "served are"),
    ],
)
def test_what_is_asked_wrongly_is_explained(
    translating: httpx.Client, url: str, status: int, part_of_detail: str
) -> None:
    response = translating.post(url, content=PICTURE, headers=PNG)
    assert part_of_detail in problem(response, status)


def test_a_long_reference_is_not_sent_back(translating: httpx.Client) -> None:
    for path in ("x" * 10_000, "x@" + "y" * 10_000):
        response = translating.post(f"/translate/{path}", content=PICTURE, headers=PNG)
        assert response.status_code in (404, 422)
        assert len(response.content) < 1000


@pytest.mark.parametrize("url", ["/translate", "/translate/invert", "/translate/invert/1"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_post_translates(translating: httpx.Client, method: str, url: str) -> None:
    response = translating.request(method, url)
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"


def test_a_translator_generates_nothing(translating: httpx.Client) -> None:
    assert "translator" in problem(translating.get("/generate?model=paint"), 422)


@pytest.mark.parametrize(
    ("declared", "body", "status", "part_of_detail"),
    [
        (None, PICTURE, 415, "content type 'none'"),
        ("", PICTURE, 415, "content type ''"),
        ("image/gif", animated("GIF"), 415, "'image/gif'"),
        ("image/apng", animated("PNG"), 415, "image/png, image/jpeg, image/webp"),
        ("image/jpg", PICTURE, 415, "image/jpeg"),
        ("image/*", PICTURE, 415, "'image/*'"),
        ("application/octet-stream", PICTURE, 415, "multipart/form-data with a file field 'image'"),
        ("application/json", b"{}", 415, "'application/json'"),
        ("application/x-www-form-urlencoded", b"image=x", 415, "multipart/form-data"),
        ("image/png", b"", 422, "empty"),
        ("image/png", b"not an image", 415, "b'not an image'"),
        ("image/png", animated("GIF"), 415, "PNG, JPEG, WebP"),
        ("image/jpeg", PICTURE, 415, "'image/jpeg', but is a PNG: 'image/png' would be right"),
        ("image/png", lossless(noise(8, 8), "WEBP"), 415, "'image/webp' would be right"),
        ("image/png", PICTURE[:-100], 422, "the PNG image is damaged or cut off"),
        ("image/jpeg", lossless(noise(9, 9), "JPEG")[:-100], 422, "the JPEG image is damaged"),
        ("image/webp", lossless(noise(9, 9), "WEBP")[:-20], 422, "the WebP image is damaged"),
        ("image/png", animated("PNG"), 422, "the PNG image is animated"),
        ("image/webp", animated("WEBP"), 422, "the WebP image is animated"),
        ("image/png", claiming("PNG", 50_000, 1), 422, "50,000x1 pixels; at most 16,383"),
        ("image/png", claiming("PNG", 60_000, 60_000), 422, "60,000x60,000 pixels"),
        ("image/jpeg", claiming("JPEG", 4096, 4097), 422, "16,777,216 altogether"),
        ("image/webp", claiming("WEBP", 16_384, 1), 422, "16,384x1 pixels"),
        ("multipart/form-data", PICTURE, 422, "boundary"),
        ("multipart/form-data; boundary=x", PICTURE, 422, "cut off or empty"),
        ("multipart/form-data; boundary=x", b"", 422, "cut off or empty"),
    ],
)
def test_what_is_no_upload_is_explained(
    translating: httpx.Client,
    declared: str | None,
    body: bytes,
    status: int,
    part_of_detail: str,
) -> None:
    headers = {} if declared is None else {"content-type": declared}
    response = translating.post("/translate", content=body, headers=headers)
    assert part_of_detail in problem(response, status)
    assert len(response.content) < 1000


@pytest.mark.parametrize(
    ("files", "status", "part_of_detail"),
    [
        ([("picture", PICTURE)], 422, "the form's field is 'picture'"),
        ([("image", PICTURE), ("image", PICTURE)], 422, "more than one field"),
        ([("image", PICTURE), ("seed", (None, "1"))], 422, "more than one field"),
        ([("image", (None, "text"))], 415, "b'text'"),
        ([("image", b"")], 422, "empty"),
        ([("image", ("a.jpg", PICTURE, "image/jpeg"))], 415, "'image/png' would be right"),
        ([("image", ("a.txt", PICTURE, "text/plain"))], 415, "'text/plain'"),
        ([("image", ("a.gif", animated("GIF"), "image/gif"))], 415, "PNG, JPEG, WebP"),
        ([("image", ("a.png", PICTURE, "image/png", {"X": "y" * 20_000}))], 422, "16,384 bytes"),
    ],
)
def test_a_wrong_form_is_explained(
    translating: httpx.Client, files: Any, status: int, part_of_detail: str
) -> None:
    response = translating.post("/translate", files=files)
    assert part_of_detail in problem(response, status)


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_too_large_is_413(translating: httpx.Client, is_chunked: bool) -> None:
    body: Any = [bytes(100_000)] * 11 if is_chunked else bytes(1_000_001)
    response = translating.post("/translate", content=body, headers=PNG)
    assert "1,000,000" in problem(response, 413)


@pytest.mark.parametrize("num_bytes", [900_000, 9_000_000])
def test_a_client_that_is_refused_before_it_has_sent_all_hears_why(
    translating: httpx.Client, num_bytes: int
) -> None:
    for url, headers, status in (
        ("/translate", {"content-type": "text/plain"}, 415),
        ("/translate?x=1", PNG, 422),
        ("/translate/nobody", PNG, 404),
        ("/translate", PNG | {"accept": "text/html"}, 406),
    ):
        problem(translating.post(url, content=bytes(num_bytes), headers=headers), status)
        assert translating.post("/translate", content=PICTURE, headers=PNG).status_code == 200


def test_a_compressed_body_is_415(translating: httpx.Client) -> None:
    headers = PNG | {"content-encoding": "gzip"}
    response = translating.post("/translate", content=PICTURE, headers=headers)
    assert "'gzip'" in problem(response, 415)


declared_types = st.sampled_from(
    ["image/png", "image/jpeg", "image/webp", "multipart/form-data; boundary=x", "text/plain", ""]
)
starts = st.sampled_from(
    [
        b"",
        PICTURE,
        PICTURE[:200],
        lossless(noise(8, 8, 3), "JPEG")[:300],
        lossless(noise(8, 8, 3), "WEBP")[:40],
        b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\n',
    ]
)
queries = st.sampled_from(
    ["", "?", "?format=webp", "?keep_size=true&format=jpeg", "?a=%FF&=", "?%"]
)


@given(
    declared=declared_types,
    start=starts,
    rest=st.binary(max_size=300),
    end=st.sampled_from([b"", b"\r\n--x--\r\n"]),
    query=queries,
    accept=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
)
@examples(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_a_client_sends_is_a_500(
    translating: httpx.Client,
    declared: str,
    start: bytes,
    rest: bytes,
    end: bytes,
    query: str,
    accept: str,
) -> None:
    headers = {"content-type": declared, "accept": accept.strip()}
    body = start + rest + end
    response = translating.post(f"/translate/invert{query}", content=body, headers=headers)
    assert response.status_code < 500
    if response.status_code != 200:
        problem(response, response.status_code)
