"""/translate over a real socket: images, parameters, headers, and every way to ask wrongly."""

import hashlib
import io
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image

from app.decoders import decode
from app.encoders import ENCODERS
from app.pixels import Pixels
from app.translations import FILTER as FILTER_BACK
from tests.app.test_generate_routes import pixels, problem, provenance
from tests.toy_images import (
    animated,
    claiming,
    file_of,
    lossless,
    noise,
    oriented,
    saved,
)

PICTURE = file_of(noise(20, 30, 3))
PNG, JPEG, WEBP = ({"content-type": f"image/{name}"} for name in ("png", "jpeg", "webp"))


def inverted(upload: bytes, *, width: int = 8, height: int = 8) -> Pixels:
    """What the toy translator ``invert``, of 8x8 grey, makes of an upload."""
    return 255 - decode(upload, width=width, height=height, channels=1).pixels


def translated(client: httpx.Client, url: str = "/translate", upload: bytes = PICTURE) -> bytes:
    response = client.post(url, content=upload, headers=PNG)
    assert response.status_code == 200, response.text
    return response.content


def test_an_image_is_translated(translating: httpx.Client) -> None:
    response = translating.post("/translate", content=PICTURE, headers=PNG)
    assert response.headers["content-type"] == "image/png"
    assert np.array_equal(pixels(response.content), inverted(PICTURE))


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        ("invert", (8, 8, 1)),
        ("paint", (6, 10, 3)),
        ("grey-out", (6, 10, 1)),
        ("repaint", (8, 8, 3)),
    ],
)
def test_the_answer_has_the_models_size_and_channels(
    translating: httpx.Client, model: str, shape: tuple[int, ...]
) -> None:
    for upload in (PICTURE, file_of(noise(4, 4)), file_of(noise(4, 4, 4))):
        assert pixels(translated(translating, f"/translate/{model}", upload)).shape == shape


def test_grey_is_painted_and_colour_is_greyed(translating: httpx.Client) -> None:
    grey = noise(6, 10)
    painted = pixels(translated(translating, "/translate/paint", file_of(grey)))
    assert np.array_equal(painted, 255 - np.stack([grey] * 3, axis=2))
    red = np.zeros((6, 10, 3), np.uint8)
    red[..., 0] = 255
    assert (pixels(translated(translating, "/translate/grey-out", file_of(red))) == 170).all()


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
def test_every_format_is_read_as_a_body_and_in_a_form(translating: httpx.Client, name: str) -> None:
    upload, media_type = lossless(noise(20, 30, 3), name), f"image/{name.lower()}"
    as_body = translating.post("/translate", content=upload, headers={"content-type": media_type})
    in_form = translating.post("/translate", files={"image": ("a", upload, media_type)})
    assert np.array_equal(pixels(as_body.content), inverted(upload))
    assert in_form.content == as_body.content


@pytest.mark.parametrize("declared", ["image/png; a=b", "IMAGE/PNG", "image/png ;"])
def test_a_media_type_may_be_written_in_many_ways(translating: httpx.Client, declared: str) -> None:
    response = translating.post("/translate", content=PICTURE, headers={"content-type": declared})
    assert response.status_code == 200


@pytest.mark.parametrize("declared", [None, "application/octet-stream", "image/png"])
def test_a_form_need_not_say_what_the_file_is(
    translating: httpx.Client, declared: str | None
) -> None:
    file: Any = PICTURE if declared is None else ("a.bin", PICTURE, declared)
    response = translating.post("/translate", files={"image": file})
    assert response.content == translated(translating)


@pytest.mark.parametrize("image_format", ENCODERS)
def test_the_format_is_chosen_by_query_or_by_accept(
    translating: httpx.Client, image_format: str
) -> None:
    media_type = ENCODERS[image_format].media_type
    by_query = translating.post(
        f"/translate?format={image_format}",
        content=PICTURE,
        headers=PNG | {"accept": "text/html"},  # what is explicit wins
    )
    by_accept = translating.post(
        "/translate", content=PICTURE, headers=PNG | {"accept": media_type}
    )
    assert by_query.headers["content-type"] == by_accept.headers["content-type"] == media_type
    assert by_query.content == by_accept.content
    assert by_accept.headers["vary"] == "Accept"
    with Image.open(io.BytesIO(by_query.content)) as image:
        assert image.get_format_mimetype() == media_type


@pytest.mark.parametrize("accept", ["*/*", "image/*", "image/*;q=0.1, text/html"])
def test_a_wildcard_means_png(translating: httpx.Client, accept: str) -> None:
    headers = PNG | {"accept": accept}
    response = translating.post("/translate", content=PICTURE, headers=headers)
    assert response.headers["content-type"] == "image/png"


def test_accept_that_admits_no_image_is_406(translating: httpx.Client) -> None:
    headers = [("content-type", "image/png"), ("accept", "text/html"), ("accept", "image/gif")]
    response = translating.post("/translate", content=PICTURE, headers=headers)
    detail = problem(response, 406)
    assert "'text/html, image/gif'" in detail
    assert "image/png, image/webp, image/jpeg" in detail


def test_the_headers_say_how_the_image_was_made(translating: httpx.Client) -> None:
    response = translating.post("/translate/paint", content=PICTURE, headers=PNG)
    headers = response.headers
    assert headers["x-model"] == "paint/1"
    assert headers["x-model-digest"] == translating.get("/models/paint").json()["digest"]
    assert headers["x-execution-provider"] == "CPUExecutionProvider"
    assert headers["cache-control"] == "no-store"
    assert headers["x-request-id"]
    assert not {"x-seed", "etag"} & set(headers)
    timing = dict(part.split(";dur=") for part in headers["server-timing"].split(", "))
    assert list(timing) == ["decode", "queue", "inference", "encode"]
    assert all(float(milliseconds) >= 0 for milliseconds in timing.values())


def test_a_png_names_its_model_and_its_source(translating: httpx.Client) -> None:
    response = translating.post("/translate", content=PICTURE, headers=PNG)
    in_form = translating.post("/translate?keep_size=true", files={"image": PICTURE})
    for answer in (response, in_form):
        assert provenance(answer.content) == {
            "digest": response.headers["x-model-digest"],
            "source_sha256": hashlib.sha256(PICTURE).hexdigest(),
        }


@pytest.mark.parametrize("model", ["invert", "invert/1", "invert/2", "invert%2F2"])
def test_a_model_is_found_by_name_version_or_digest(translating: httpx.Client, model: str) -> None:
    response = translating.post(f"/translate/{model}", content=PICTURE, headers=PNG)
    assert response.headers["x-model"] == f"invert/{'1' if model.endswith('1') else '2'}"
    pinned = f"/translate/invert@{response.headers['x-model-digest'][:12]}"
    assert translated(translating, pinned) == response.content


@pytest.mark.parametrize("size", [(1, 1), (30, 20), (8, 8), (1, 300)])
@pytest.mark.parametrize("model", ["invert", "paint"])
def test_keep_size_gives_an_image_of_the_sources_size(
    translating: httpx.Client, size: tuple[int, int], model: str
) -> None:
    upload = file_of(noise(size[1], size[0], 3))
    small = pixels(translated(translating, f"/translate/{model}?keep_size=false", upload))
    kept = pixels(translated(translating, f"/translate/{model}?keep_size=true", upload))
    resized = Image.fromarray(small.squeeze()).resize(size, FILTER_BACK)
    assert np.array_equal(kept.squeeze(), np.asarray(resized).squeeze())


def test_keep_size_means_the_upright_size(translating: httpx.Client) -> None:
    upload = oriented(Image.fromarray(noise(20, 30, 3)), 6)
    answer = pixels(translated(translating, "/translate?keep_size=true", upload))
    assert answer.shape == (30, 20, 1)


def test_the_orientation_is_applied(translating: httpx.Client) -> None:
    upright = Image.fromarray(noise(20, 30, 3))
    held = oriented(upright.transpose(Image.Transpose.ROTATE_90), 6)
    assert np.array_equal(pixels(translated(translating, upload=held)), inverted(saved(upright)))


def test_the_same_upload_is_the_same_bytes(translating: httpx.Client) -> None:
    for url in ("/translate", "/translate/paint?format=webp&keep_size=true"):
        assert translated(translating, url) == translated(translating, url)


def test_without_a_setting_the_first_translator_by_name_translates(client: httpx.Client) -> None:
    response = client.post("/translate", content=PICTURE, headers=PNG)
    assert response.headers["x-model"] == "tiny-translator/1"


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


def test_the_document_describes_bodies_parameters_and_answers(translating: httpx.Client) -> None:
    paths = translating.get("/openapi.json").json()["paths"]
    for path, in_path in (("/translate", []), ("/translate/{model}", ["model"])):
        operation = paths[path]["post"]
        names = [parameter["name"] for parameter in operation["parameters"]]
        assert names == [*in_path, "format", "keep_size", "X-Request-Timeout-Ms"]
        body = operation["requestBody"]["content"]
        assert set(body) == {"image/png", "image/jpeg", "image/webp", "multipart/form-data"}
        assert set(body["multipart/form-data"]["schema"]["properties"]) == {"image"}
        answers = operation["responses"]
        assert set(answers["200"]["content"]) == {"image/png", "image/webp", "image/jpeg"}
        assert {"X-Model", "Server-Timing", "Vary"} <= set(answers["200"]["headers"])
        problems = {"404", "406", "413", "415", "422", "429", "500", "503", "504"}
        assert set(answers) == {"200"} | problems


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
