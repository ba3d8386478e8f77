"""/generate over a real socket: images, layouts, headers, and every way to ask wrongly."""

import base64
import io
import json
import zipfile
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from PIL import Image

from app.encoders import ENCODERS
from app.layouts import compose_grid
from app.pixels import Pixels
from app.png_chunks import PNG_KEYWORD

PNG_URL = "/generate?seed=7"


def pixels(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        array = np.asarray(image)
    return array[:, :, None] if array.ndim == 2 else array


def provenance(data: bytes) -> dict[str, Any]:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        found: dict[str, Any] = json.loads(image.text[PNG_KEYWORD])  # type: ignore[attr-defined]
    return found


def image_of(client: httpx.Client, path: str = "/generate", **parameters: Any) -> bytes:
    response = client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    return response.content


def problem(response: httpx.Response, status: int) -> str:
    """The detail of a problem document that is sound in every other respect."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    assert document["type"].startswith("/problems/")
    assert document["title"]
    assert document["request_id"] == response.headers["x-request-id"]
    detail: str = document["detail"]
    assert detail
    return detail


def test_one_image_is_exactly_of_the_models_size(client: httpx.Client) -> None:
    response = client.get("/generate", params={"seed": 7})
    assert response.headers["content-type"] == "image/png"
    assert pixels(response.content).shape == (8, 8, 1)
    assert pixels(image_of(client, seed=7, model="tiny-colour")).shape == (6, 10, 3)


def test_the_headers_say_how_an_image_was_made(client: httpx.Client) -> None:
    headers = client.get("/generate", params={"seed": 7}).headers
    entry = client.get("/models/tiny").json()
    assert headers["x-seed"] == "7"
    assert headers["x-model"] == "tiny/1"
    assert headers["x-model-digest"] == entry["digest"]
    assert headers["x-execution-provider"] == "CPUExecutionProvider"
    assert headers["vary"] == "Accept"
    timing = dict(part.split(";dur=") for part in headers["server-timing"].split(", "))
    assert list(timing) == ["queue", "inference", "encode"]
    assert all(float(milliseconds) >= 0 for milliseconds in timing.values())


def test_get_and_post_give_the_same_bytes(client: httpx.Client) -> None:
    parameters = {"seed": 3, "n": 5, "truncation": 0.5, "columns": 2, "scale": 3}
    by_get = client.get("/generate", params=parameters)
    by_post = client.post("/generate", json=parameters)
    assert by_get.content == by_post.content
    assert by_post.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_an_empty_post_of_any_type_draws_a_seed_and_tells(
    client: httpx.Client, content_type: str | None
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = client.post("/generate", headers=headers)
    assert response.headers["content-type"] == "image/png"
    assert image_of(client, seed=response.headers["x-seed"]) == response.content
    assert client.post("/generate").headers["x-seed"] != response.headers["x-seed"]


def test_image_i_has_seed_plus_i(client: httpx.Client) -> None:
    last = 2**32 - 1
    grid = pixels(image_of(client, seed=last, n=4, columns=4))
    singles = [pixels(image_of(client, seed=seed)) for seed in (last, 0, 1, 2)]
    np.testing.assert_array_equal(grid, np.concatenate(singles, axis=1))
    assert all((a != b).any() for a, b in pairwise(singles))


@pytest.mark.parametrize("image_format", ENCODERS)
@pytest.mark.parametrize("model", ["tiny-conditional", "tiny-colour"])
def test_a_file_in_zip_or_json_is_the_single_answer(
    client: httpx.Client, image_format: str, model: str
) -> None:
    asked = {"model": model, "format": image_format, "scale": 2, "truncation": 0.7}
    archive = image_of(client, n=5, seed=40, layout="zip", **asked)
    answer = json.loads(image_of(client, n=5, seed=40, layout="json", **asked))
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        assert files.namelist() == [f"{seed}.{image_format}" for seed in range(40, 45)]
        for entry in answer["images"]:
            single = image_of(client, seed=entry["seed"], **asked)
            assert files.read(f"{entry['seed']}.{image_format}") == single
            assert base64.b64decode(entry["data"]) == single
            assert entry["media_type"] == ENCODERS[image_format].media_type


def test_json_says_what_was_made(client: httpx.Client) -> None:
    response = client.get("/generate/bag", params={"seed": 1, "n": 2, "layout": "json"})
    answer = response.json()
    assert response.headers["content-type"] == "application/json"
    assert {key: answer[key] for key in ("model", "version", "execution_provider")} == {
        "model": "tiny-conditional",
        "version": 1,
        "execution_provider": "CPUExecutionProvider",
    }
    assert answer["digest"] == response.headers["x-model-digest"]
    assert [(image["seed"], image["label"]) for image in answer["images"]] == [
        (1, "Bag"),
        (2, "Bag"),
    ]


def test_without_a_label_a_conditional_model_takes_the_class_of_the_seed(
    client: httpx.Client,
) -> None:
    parameters = {"model": "tiny-conditional", "seed": 4, "n": 3, "layout": "json"}
    images = client.get("/generate", params=parameters).json()["images"]
    assert [image["label"] for image in images] == ["Bag", "7", "T-shirt/top"]
    unasked = image_of(client, model="tiny-conditional", seed=4)
    assert unasked == image_of(client, "/generate/bag", seed=4)
    assert unasked != image_of(client, "/generate/7", seed=4)


@pytest.mark.parametrize(
    "label", ["t_shirt_top", "T-shirt/top", quote("T-shirt/top", safe=""), "0", "T_SHIRT%20top"]
)
def test_a_label_is_a_name_in_any_writing_or_an_index(client: httpx.Client, label: str) -> None:
    expected = image_of(client, "/generate/t_shirt_top", seed=9)
    assert image_of(client, f"/generate/{label}", seed=9) == expected
    assert client.post(f"/generate/{label}", json={"seed": 9}).content == expected


def test_a_name_wins_over_an_index(client: httpx.Client) -> None:
    assert image_of(client, "/generate/7", seed=9) == image_of(client, "/generate/2", seed=9)


def test_the_grid_is_row_major_and_filled_with_black(client: httpx.Client) -> None:
    grid = pixels(image_of(client, seed=10, n=5))
    images = np.stack([pixels(image_of(client, seed=seed)) for seed in range(10, 15)])
    np.testing.assert_array_equal(grid, compose_grid(images, 3))
    assert pixels(image_of(client, seed=10, n=5, columns=200)).shape == (8, 40, 1)


def test_scale_enlarges_without_smoothing(client: httpx.Client) -> None:
    small = pixels(image_of(client, seed=10))
    large = pixels(image_of(client, seed=10, scale=16))
    np.testing.assert_array_equal(large, small.repeat(16, axis=0).repeat(16, axis=1))


def test_truncation_changes_the_image(client: httpx.Client) -> None:
    assert image_of(client, seed=10, truncation=0.1) != image_of(client, seed=10)


def test_a_png_says_how_to_make_it_again(client: httpx.Client) -> None:
    asked = {"seed": 5, "n": 3, "columns": 2, "truncation": 0.5, "scale": 2}
    response = client.get("/generate/t_shirt_top", params=asked)
    assert provenance(response.content) == {
        "digest": response.headers["x-model-digest"],
        "seed": 5,
        "n": 3,
        "columns": 2,
        "label": "T-shirt/top",
        "truncation": 0.5,
        "scale": 2,
    }
    assert provenance(image_of(client, seed=5))["label"] is None
    assert provenance(image_of(client, seed=5, n=2, model="tiny-conditional"))["label"] is None


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/zip", "application/zip"),
        ("application/json", "application/json"),
        ("application/json, */*", "image/png"),
        ("image/webp", "image/png"),
    ],
)
def test_accept_chooses_zip_or_json_and_never_the_image_format(
    client: httpx.Client, accept: str, media_type: str
) -> None:
    headers = {"accept": accept}
    response = client.get("/generate", params={"seed": 1}, headers=headers)
    assert response.headers["content-type"] == media_type
    explicit = client.get("/generate", params={"seed": 1, "layout": "grid"}, headers=headers)
    assert explicit.headers["content-type"] == "image/png"


def test_accept_may_be_written_in_several_lines(client: httpx.Client) -> None:
    headers = [("accept", "application/zip;q=0.5"), ("accept", "application/json")]
    response = client.get("/generate", params={"seed": 1}, headers=headers)
    assert response.headers["content-type"] == "application/json"


def test_equal_requests_make_equal_archives(client: httpx.Client) -> None:
    first = image_of(client, seed=1, n=3, layout="zip")
    assert image_of(client, seed=1, n=3, layout="zip") == first


def test_head_is_get_without_the_body(client: httpx.Client) -> None:
    by_get, by_head = client.get(PNG_URL), client.head(PNG_URL)
    assert by_head.content == b""
    for name in ("content-length", "content-type", "etag", "x-seed"):
        assert by_head.headers[name] == by_get.headers[name]


@pytest.mark.parametrize("model", ["tiny-two", "tiny-two/2", "tiny-two/1"])
def test_a_model_is_found_by_name_version_or_digest(client: httpx.Client, model: str) -> None:
    response = client.get("/generate", params={"model": model, "seed": 1})
    version = model.partition("/")[2] or "2"
    assert response.headers["x-model"] == f"tiny-two/{version}"
    pinned = f"tiny-two@{response.headers['x-model-digest'][:12]}"
    again = client.get("/generate", params={"model": pinned, "seed": 1})
    assert again.content == response.content


@pytest.mark.parametrize(
    ("path", "status", "part_of_detail"),
    [
        ("/generate?n=0", 422, "n must be"),
        ("/generate?n=257", 422, "n must be an integer from 1 to 256, not 257"),
        ("/generate?seed=1&seed=1", 422, "twice"),
        ("/generate?seeds=1", 422, 'unknown parameter "seeds"'),
        ("/generate?format=gif", 422, "png, webp, jpeg"),
        ("/generate?model=tiny-large&n=256", 422, "8000x6400"),
        ("/generate?model=tiny-large&scale=16&n=5&columns=5", 422, "pixels"),
        ("/generate?model=tiny-translator", 422, "translator"),
        ("/generate?model=tiny-conditional/0", 422, "NAME/VERSION"),
        ("/generate/7?model=tiny", 422, "no classes"),
        ("/generate?model=nobody", 404, "tiny-conditional"),
        ("/generate?model=tiny-two/3", 404, "1"),
        ("/generate?model=tiny-two@000000000000", 404, "tiny-two"),
        ("/generate?model=tiny-broken", 404, "failed"),
        ("/generate/sneakr", 404, "t_shirt_top, bag, 7"),
        ("/generate/3", 404, "from 0 to 2"),
        ("/generate/%FF%FE", 404, "not one of"),
        ("/generate/", 404, "not one of"),
    ],
)
def test_what_is_asked_wrongly_is_explained(
    client: httpx.Client, path: str, status: int, part_of_detail: str
) -> None:
    assert part_of_detail in problem(client.get(path), status)
    assert client.get(PNG_URL).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body", "status", "part_of_detail"),
    [
        ("application/json", b"{", 422, "not JSON"),
        ("application/json; charset=utf-8", b'{"n": "4"}', 422, 'not "4"'),
        ("application/json", b"[]", 422, "JSON object"),
        ("application/json", b'{"n": 0}', 422, "n must be an integer from 1 to 256, not 0"),
        ("application/json", b'{"n": 257}', 422, "from 1 to 256"),
        ("text/plain", b"{}", 415, "'text/plain'"),
        ("application/x-www-form-urlencoded", b"n=4", 415, "application/json"),
        (None, b"{}", 415, "application/json"),
    ],
)
def test_a_wrong_body_is_explained(
    client: httpx.Client, content_type: str | None, body: bytes, status: int, part_of_detail: str
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = client.post("/generate", content=body, headers=headers)
    assert part_of_detail in problem(response, status)
    assert client.post("/generate").status_code == 200


def test_a_query_on_post_is_refused(client: httpx.Client) -> None:
    for path in ("/generate", "/generate/7"):
        assert "'seed=1'" in problem(client.post(f"{path}?seed=1", json={}), 422)
