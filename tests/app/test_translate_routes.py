"""/translate over a real socket: images, parameters, headers."""

import hashlib
import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.decoders import decode
from app.encoders import ENCODERS
from app.pixels import Pixels
from app.translations import FILTER as FILTER_BACK
from tests.app.test_generate_routes import pixels, problem, provenance
from tests.toy_images import (
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
