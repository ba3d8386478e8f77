"""/interpolate over a real socket: frames that lie where they should, in every format."""

import io
import itertools
import json
import socket
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.animations import ANIMATIONS
from app.png_chunks import PNG_KEYWORD
from app.settings import Settings
from contract import sample_latents, slerp
from tests.live_server import PATIENCE_S, held_runs, live_server, queued_images, wait_until

COLOUR = "tiny-colour"


def interpolated(client: httpx.Client, **parameters: Any) -> httpx.Response:
    response = client.get("/interpolate", params=parameters)
    assert response.status_code == 200, response.text
    return response


def frames(content: bytes) -> list[np.ndarray[Any, Any]]:
    """Every frame as RGB."""
    with Image.open(io.BytesIO(content)) as animation:
        shown = []
        for index in range(getattr(animation, "n_frames", 1)):
            animation.seek(index)
            shown.append(np.asarray(animation.convert("RGB")))
    return shown


def pixels(client: httpx.Client, seed: int, **parameters: Any) -> np.ndarray[Any, Any]:
    response = client.get("/generate", params={"seed": seed, **parameters})
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)).convert("RGB"))


@pytest.mark.parametrize("model", ["tiny", COLOUR])
def test_a_frame_at_a_seed_is_the_image_of_that_seed(client: httpx.Client, model: str) -> None:
    asked = {"model": model, "truncation": 0.8}
    loop = frames(interpolated(client, seeds="5,9,2", frames=12, **asked).content)
    for position, seed in zip((0, 4, 8), (5, 9, 2), strict=True):
        np.testing.assert_array_equal(loop[position], pixels(client, seed, **asked))
    once = frames(interpolated(client, seeds="5,9,2", frames=9, loop="false", **asked).content)
    for position, seed in zip((0, 4, 8), (5, 9, 2), strict=True):
        np.testing.assert_array_equal(once[position], pixels(client, seed, **asked))


def test_frames_between_lie_on_the_great_circle(client: httpx.Client) -> None:
    shown = frames(interpolated(client, model="tiny", seeds="1,2", frames=5, loop="false").content)
    start, end = sample_latents([1, 2], 4)
    projection = np.random.RandomState(0).standard_normal((4, 64)).astype(np.float32)
    for index, frame in enumerate(shown):
        logits = slerp(start, end, index / 4) @ projection
        expected = (np.tanh(logits) * 127.5 + 127.5).reshape(8, 8)
        assert np.abs(frame[..., 0] - expected).max() <= 1


def test_a_loop_has_no_jump_and_shows_no_frame_twice(client: httpx.Client) -> None:
    shown = frames(interpolated(client, model="tiny", seeds="1,2", frames=40).content)
    around = [*shown, shown[0]]
    steps = [np.abs(a.astype(int) - b).mean() for a, b in itertools.pairwise(around)]
    assert min(steps) > 0
    assert steps[-1] < 3 * np.median(steps)


def test_the_way_back_is_the_way_there(client: httpx.Client) -> None:
    there = frames(interpolated(client, seeds="1,2", frames=7, loop="false").content)
    back = frames(interpolated(client, seeds="2,1", frames=7, loop="false").content)
    for one, other in zip(there, reversed(back), strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1  # rounding


@pytest.mark.parametrize("model", ["tiny", COLOUR])
@pytest.mark.parametrize("format", ANIMATIONS)
@pytest.mark.parametrize("loop", [True, False])
def test_every_format_has_all_frames_its_speed_and_its_end(
    client: httpx.Client, model: str, format: str, loop: bool
) -> None:
    asked = {"model": model, "seeds": "3,4", "frames": 6, "fps": 10, "loop": str(loop).lower()}
    response = interpolated(client, format=format, scale=2, **asked)
    assert response.headers["content-type"] == ANIMATIONS[format].media_type
    exact = frames(interpolated(client, scale=2, **asked).content)
    shown = frames(response.content)
    assert len(shown) == 6
    tolerance = 60 if (format, model) == ("gif", COLOUR) else 0  # 256 colours for 60 of noise
    for one, other in zip(shown, exact, strict=True):
        assert np.abs(one.astype(int) - other).max() <= tolerance
    with Image.open(io.BytesIO(response.content)) as animation:
        assert animation.info.get("loop", 1) == (0 if loop else 1)
        for index in range(6):
            animation.seek(index)
            animation.load()
            assert animation.info["duration"] == 100


def test_a_strip_is_all_frames_in_a_row(client: httpx.Client) -> None:
    asked = {"model": COLOUR, "seeds": "3,4", "frames": 5, "scale": 2}
    response = interpolated(client, layout="strip", **asked)
    assert response.headers["content-type"] == "image/png"
    (strip,) = frames(response.content)
    animated = frames(interpolated(client, **asked).content)
    np.testing.assert_array_equal(strip, np.concatenate(animated, axis=1))


def test_seeds_that_are_drawn_are_told(client: httpx.Client) -> None:
    response = client.post("/interpolate", json={"frames": 4})
    seeds = response.headers["x-seeds"]
    assert len(set(seeds.split(","))) == 2
    assert response.headers["cache-control"] == "no-store"
    assert interpolated(client, seeds=seeds, frames=4).content == response.content
    assert client.post("/interpolate").headers["x-seeds"] != seeds


def test_get_and_post_give_the_same(client: httpx.Client) -> None:
    by_post = client.post("/interpolate", json={"seeds": [1, 2, 3], "loop": False, "fps": 5})
    assert by_post.status_code == 200
    assert by_post.content == interpolated(client, seeds="1,2,3", loop="false", fps=5).content


def test_the_class_is_that_of_the_first_seed_or_the_one_asked_for(client: httpx.Client) -> None:
    asked = {"model": "tiny-conditional", "seeds": "4,5", "frames": 4}
    of_seed = interpolated(client, **asked).content  # seed 4 of three classes: Bag
    np.testing.assert_array_equal(frames(of_seed)[0], pixels(client, 4, model="tiny-conditional"))
    assert interpolated(client, label="bag", **asked).content == of_seed
    other = interpolated(client, label="2", **asked).content
    assert other != of_seed
    assert interpolated(client, label="7", seeds="4,5", frames=4).content == other  # the default


def test_an_animation_tells_how_it_was_made(client: httpx.Client) -> None:
    response = interpolated(
        client, model="tiny-conditional", seeds="1,2", frames=4, label="7", truncation=2
    )
    with Image.open(io.BytesIO(response.content)) as animation:
        animation.load()
        assert json.loads(animation.text[PNG_KEYWORD]) == {
            "digest": response.headers["x-model-digest"],
            "seeds": [1, 2],
            "frames": 4,
            "loop": True,
            "labels": ["7", "7"],
            "truncation": 2.0,
            "scale": 1,
        }


def test_whatever_changes_the_bytes_changes_the_etag_and_304_spares_the_run(
    client: httpx.Client,
) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"seeds": "2,1"},
        {"frames": 5},
        {"loop": "false"},
        {"fps": 7},
        {"format": "gif"},
        {"layout": "strip"},
        {"truncation": 1},
        {"scale": 2},
        {"model": COLOUR},
    ]
    answers = [interpolated(client, **({"seeds": "1,2", "frames": 4} | more)) for more in changes]
    tags = [answer.headers["etag"] for answer in answers]
    assert len(set(tags)) == len(tags)
    again = client.get(
        "/interpolate?seeds=1,2&frames=4", headers={"If-None-Match": f"{tags[0]}, {tags[1]}"}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert "server-timing" not in again.headers


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"seeds": "1"}, "seeds must be 2 to 16 integers"),
        ({"seeds": ",".join(map(str, range(17)))}, "seeds must be 2 to 16 integers"),
        ({"seeds": "1,x"}, 'not "x"'),
        ({"seeds": "1,-1"}, "not -1"),
        ({"seeds": "1,4294967296"}, "not 4294967296"),
        ({"seeds": ""}, "seeds must be"),
        ({"frames": 1}, "frames must be an integer from 2 to 256, not 1"),
        ({"frames": 257}, "frames must be an integer from 2 to 256, not 257"),
        ({"fps": 51}, "fps must be an integer from 1 to 50"),
        ({"loop": "yes"}, "loop must be true or false"),
        ({"format": "png"}, "format must be one of: apng, webp, gif"),
        ({"layout": "grid"}, "layout must be one of: animation, strip"),
        ({"layout": "strip", "format": "gif"}, "one of the two"),
        ({"seed": 1}, 'unknown parameter "seed"'),
        ({"label": "7", "model": "tiny"}, "has no classes"),
        ({"model": "tiny-translator"}, "is a translator"),
        ({"model": "tiny-large", "frames": 100, "layout": "strip"}, "at most 16,383 on a side"),
        ({"model": "tiny-large", "scale": 16}, "altogether would be right"),
        ({"model": "tiny-large", "scale": 4, "frames": 64}, "in one animation"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(
    client: httpx.Client, asked: dict[str, Any], told: str
) -> None:
    response = client.get("/interpolate", params=asked)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert told in response.json()["detail"]


@pytest.mark.parametrize(
    "body", [b'{"seeds": "1,2"}', b'{"seeds": [1, true]}', b'{"seeds": null}', b"[1, 2]", b"{"]
)
def test_a_body_is_read_strictly(client: httpx.Client, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert client.post("/interpolate", content=body, headers=headers).status_code == 422


def test_unknown_models_and_labels_are_not_found(client: httpx.Client) -> None:
    assert client.get("/interpolate?model=nobody").status_code == 404
    answer = client.get("/interpolate?model=tiny-conditional&label=nothing")
    assert answer.status_code == 404
    assert "t_shirt_top" in answer.json()["detail"]


def test_a_client_that_leaves_frees_the_queue(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny_settings.model_copy(update={"num_threads": 1, "request_timeout_s": 3600})
    with live_server(settings) as server, held_runs(server, "tiny", monkeypatch) as has_begun:
        url = httpx.URL(server.url)
        with socket.create_connection((url.host, url.port or 0)) as leaving:
            leaving.sendall(b"GET /interpolate?model=tiny&frames=200 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert has_begun.wait(PATIENCE_S)
            wait_until(
                lambda: queued_images(server.client, "tiny") == 200 - settings.max_batch_size
            )
        wait_until(lambda: queued_images(server.client, "tiny") == 0)


def test_the_limit_on_frames_is_the_one_that_is_set(tiny_settings: Settings) -> None:
    settings = tiny_settings.model_copy(update={"max_images": 9})
    with live_server(settings) as server:
        document = server.client.get("/openapi.json").json()
        assert server.client.get("/interpolate?frames=10").status_code == 422
        assert server.client.get("/interpolate?frames=9").status_code == 200
    parameters = document["paths"]["/interpolate"]["get"]["parameters"]
    (schema,) = [each["schema"] for each in parameters if each["name"] == "frames"]
    assert schema["maximum"] == 9
