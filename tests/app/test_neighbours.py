"""/neighbours: small steps around a seed, in its class and in every layout."""

import io
import json
import zipfile
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.png_chunks import PNG_KEYWORD
from contract import sample_latents, slerp

CONDITIONAL = "tiny-conditional"


def around(client: httpx.Client, **parameters: Any) -> httpx.Response:
    response = client.get("/neighbours", params=parameters)
    assert response.status_code == 200, response.text
    return response


def pixels(content: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(content))).astype(int)


def images(client: httpx.Client, n: int, **parameters: Any) -> list[np.ndarray[Any, Any]]:
    row = pixels(around(client, n=n, columns=n, **parameters).content)
    return np.split(row, n, axis=1)


def test_the_first_is_the_seed_itself_and_the_others_lie_where_they_should(
    client: httpx.Client,
) -> None:
    shown = images(client, 4, model="tiny", seed=2**32 - 2, distance=0.3)
    alone = client.get("/generate", params={"model": "tiny", "seed": 2**32 - 2}).content
    assert (shown[0] == pixels(alone)).all()
    start, *ends = sample_latents([2**32 - 2, 2**32 - 1, 0, 1], 4)
    projection = np.random.RandomState(0).standard_normal((4, 64)).astype(np.float32)
    for image, end in zip(shown[1:], ends, strict=True):
        expected = np.tanh(slerp(start, end, 0.3) @ projection) * 127.5 + 127.5
        assert np.abs(image - expected.reshape(8, 8)).max() <= 1


def test_the_distance_goes_from_the_seed_to_the_others(client: httpx.Client) -> None:
    none, some, all_ = (
        images(client, 5, model="tiny", seed=7, distance=distance) for distance in (0, 0.2, 1)
    )
    assert all((image == none[0]).all() for image in none)
    assert all((image != some[0]).any() for image in some[1:])
    others = pixels(client.get("/generate?model=tiny&seed=7&n=5&columns=5").content)
    assert (np.concatenate(all_, axis=1) == others).all()


def test_all_are_of_the_class_of_the_first_or_the_one_asked_for(client: httpx.Client) -> None:
    for more, label in (({}, 1), ({"label": "7"}, 2)):
        shown = images(client, 3, model=CONDITIONAL, seed=4, distance=1, **more)
        for image, seed in zip(shown, (4, 5, 6), strict=True):
            alone = client.get(f"/generate/{label}", params={"model": CONDITIONAL, "seed": seed})
            assert (image == pixels(alone.content)).all()


def test_files_are_named_by_the_seed_that_they_lean_to(client: httpx.Client) -> None:
    asked = {"model": "tiny", "seed": 40, "n": 3}
    content = around(client, layout="zip", **asked).content
    answer = json.loads(around(client, layout="json", **asked).content)
    assert [entry["seed"] for entry in answer["images"]] == [40, 41, 42]
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        assert files.namelist() == ["40.png", "41.png", "42.png"]
        first = client.get("/generate?model=tiny&seed=40").content
        assert files.read("40.png") == first
        with Image.open(io.BytesIO(files.read("42.png"))) as image:
            said = json.loads(image.text[PNG_KEYWORD])
    assert (said["seed"], said["around"], said["distance"]) == (42, 40, 0.2)


def test_nine_by_default_from_a_seed_that_is_told(client: httpx.Client) -> None:
    response = client.post("/neighbours", json={"model": "tiny"})
    with Image.open(io.BytesIO(response.content)) as image:
        assert image.size == (24, 24)
    again = around(client, model="tiny", seed=response.headers["x-seed"])
    assert again.content == response.content
    assert "etag" in again.headers
    other = around(client, model="tiny", seed=response.headers["x-seed"], distance=0.3)
    assert other.headers["etag"] != again.headers["etag"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"distance": 1.1}, "distance must be a number from 0 to 1"),
        ({"distance": -0.1}, "distance must be a number from 0 to 1"),
        ({"distance": "far"}, "distance must be a number from 0 to 1"),
        ({"n": 0}, "n must be an integer from 1 to 256"),
        ({"n": 257}, "n must be an integer from 1 to 256"),
        ({"label": "7", "model": "tiny"}, "has no classes"),
        ({"seeds": "1,2"}, "unknown parameter"),
    ],
)
def test_what_cannot_be_is_refused(client: httpx.Client, asked: dict[str, Any], told: str) -> None:
    response = client.get("/neighbours", params=asked)
    assert response.status_code == 422
    assert told in response.json()["detail"]


def test_generate_knows_no_distance(client: httpx.Client) -> None:
    assert client.get("/generate?distance=0.2").status_code == 422
    assert client.get("/generate?label=7").status_code == 422
