"""/v1 with OpenAI's own client, unmodified, over a real socket."""

import base64
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest
from PIL import Image

from app.errors import InvalidParameter
from app.openai_images.prompts import class_of_prompt
from app.settings import Settings
from tests.live_server import PATIENCE_S, held_runs, live_server, queued_images, wait_until

CONDITIONAL = "tiny-conditional"
NAMES = ("T-shirt/top", "Shirt", "Bag", "Ankle boot", "Dress", "7")


@pytest.fixture(scope="module")
def official(client: httpx.Client) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{client.base_url}/v1", api_key="any", max_retries=0) as ours:
        yield ours


def data_of(image: Any) -> bytes:
    return base64.b64decode(image.b64_json)


def at(url: str | None) -> bytes:
    return httpx.get(str(url), timeout=PATIENCE_S).content


def test_an_image_comes_as_data_and_as_a_url_that_makes_it_again(
    official: openai.OpenAI, client: httpx.Client
) -> None:
    answer = official.images.generate(prompt="a bag", model=CONDITIONAL, extra_body={"seed": 42})
    (image,) = answer.data or []
    same = client.get("/generate/bag", params={"model": CONDITIONAL, "seed": 42})
    assert data_of(image) == same.content
    assert at(image.url) == same.content
    assert image.revised_prompt == f"Bag ({CONDITIONAL}/1, seed 42)"
    assert (answer.size, answer.output_format, answer.background) == ("8x8", "png", "opaque")


def test_every_image_has_its_own_seed_and_url(official: openai.OpenAI) -> None:
    answer = official.images.generate(prompt="7", n=5, extra_body={"seed": 2**32 - 2})
    files = [data_of(image) for image in answer.data or []]
    assert len(set(files)) == 5
    assert [at(image.url) for image in answer.data or []] == files
    assert "seed 4294967294)" in str(answer.data[0].revised_prompt)  # type: ignore[index]
    assert "seed 2)" in str(answer.data[4].revised_prompt)  # type: ignore[index]


@pytest.mark.parametrize("output_format", ["png", "webp", "jpeg"])
def test_size_and_format_are_what_is_asked_for(official: openai.OpenAI, output_format: Any) -> None:
    answer = official.images.generate(
        prompt="bag", size="64x64", output_format=output_format, extra_body={"seed": 1}
    )
    (image,) = answer.data or []
    with Image.open(io.BytesIO(data_of(image))) as picture:
        assert (picture.format, picture.size) == (output_format.upper(), (64, 64))
    assert at(image.url) == data_of(image)


def test_only_the_form_that_is_asked_for_is_given(official: openai.OpenAI) -> None:
    (image,) = official.images.generate(prompt="bag", response_format="url").data or []
    assert image.url
    assert image.b64_json is None
    (image,) = official.images.generate(prompt="bag", response_format="b64_json").data or []
    assert image.url is None
    assert image.b64_json


def test_the_size_may_be_greater_than_what_a_url_gives(official: openai.OpenAI) -> None:
    (image,) = official.images.generate(prompt="bag", size="1024x1024").data or []
    with Image.open(io.BytesIO(data_of(image))) as picture:
        assert picture.size == (1024, 1024)
    assert image.url is None
    with pytest.raises(openai.UnprocessableEntityError, match="at most 16 times"):
        official.images.generate(prompt="bag", size="1024x1024", response_format="url")


def test_what_has_no_meaning_here_is_accepted(official: openai.OpenAI) -> None:
    answer = official.images.generate(
        prompt="bag",
        quality="high",
        style="vivid",
        user="somebody",
        moderation="low",
        output_compression=50,
        partial_images=0,
        background="auto",
        size="auto",
        stream=False,
    )
    assert len(answer.data or []) == 1


def test_a_model_without_classes_takes_no_prompt_and_says_so(official: openai.OpenAI) -> None:
    (image,) = official.images.generate(prompt="a cat", model="tiny").data or []
    assert "takes no prompt" in str(image.revised_prompt)


def test_an_empty_prompt_means_all_classes_in_turn(official: openai.OpenAI) -> None:
    answer = official.images.generate(prompt="", n=3, extra_body={"seed": 0})
    told = [str(image.revised_prompt) for image in answer.data or []]
    assert [text.partition(" (")[0] for text in told] == ["T-shirt/top", "Bag", "7"]


def test_an_unknown_model_is_not_found(official: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="'dall-e-3' is not served") as caught:
        official.images.generate(prompt="bag", model="dall-e-3")
    assert caught.value.code == "model_not_found"
    assert caught.value.type == "invalid_request_error"
    with pytest.raises(openai.NotFoundError, match="'nobody'"):
        official.models.retrieve("nobody")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"prompt": "a cat"}, "names no class .*T-shirt/top, Bag, 7"),
        ({"prompt": "bag or 7"}, "names 2 classes"),
        ({"size": "7x7"}, "8x8, 16x16, .*auto would be right"),
        ({"size": "16x8"}, "no integer multiple"),
        ({"size": "large"}, "size must be auto, or WIDTHxHEIGHT"),
        ({"size": "16384x16384"}, "at most 16,383 on a side"),
        ({"size": "4096x4096", "n": 5}, "in one answer"),
        ({"n": 0}, "n must be an integer from 1 to 256"),
        ({"n": 257}, "n must be an integer from 1 to 256"),
        ({"output_format": "gif"}, "output_format must be one of: png, webp, jpeg"),
        ({"response_format": "file"}, "response_format must be one of: b64_json, url"),
        ({"background": "transparent"}, "background must be one of: auto, opaque"),
        ({"model": "tiny-translator"}, "is a translator"),
        ({"extra_body": {"seed": -1}}, "seed must be an integer from 0"),
        ({"extra_body": {"seeds": 1}}, 'unknown parameter "seeds"'),
        ({"extra_body": {"stream": True}}, "stream must be one of: false"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(
    official: openai.OpenAI, asked: dict[str, Any], told: str
) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match=told) as caught:
        official.images.generate(**({"prompt": "bag"} | asked))
    assert caught.value.type == "invalid_request_error"


def test_a_problem_has_both_forms(client: httpx.Client) -> None:
    response = client.post("/v1/images/generations", json={})
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["detail"].startswith("prompt is missing; it must be a text")
    assert problem["error"] == {
        "message": problem["detail"],
        "type": "invalid_request_error",
        "code": "invalid_parameter",
    }
    assert "error" not in client.get("/generate?n=0").json()
    assert client.get("/v1/nothing").json()["error"]["code"] == "not_found"
    assert client.get("/v1/images/generations").json()["error"]["code"] == "method_not_allowed"


def test_nulls_are_what_is_left_out(client: httpx.Client) -> None:
    fields = ["model", "n", "size", "response_format", "output_format", "seed", "user", "stream"]
    body = {"prompt": "bag"} | dict.fromkeys(fields)
    assert client.post("/v1/images/generations", json=body).status_code == 200
    assert client.post("/v1/images/generations", json={"prompt": None}).status_code == 422


def test_the_models_are_listed(official: openai.OpenAI, client: httpx.Client) -> None:
    listed = {model.id: model for model in official.models.list()}
    served = client.get("/models").json()["models"]
    assert set(listed) == {model["name"] for model in served if model["kind"] == "generator"}
    assert official.models.retrieve("tiny-two/1").id == "tiny-two/1"
    digest = served[0]["digest"]
    pinned = f"{served[0]['name']}@{digest[:12]}"
    assert official.models.retrieve(pinned).owned_by == "ganserve"
    with pytest.raises(openai.NotFoundError, match="/translate"):
        official.models.retrieve("tiny-translator")


def test_a_full_queue_is_a_rate_limit(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tiny_settings.model_copy(
        update={"num_threads": 1, "max_queue_size": 4, "max_images": 4, "request_timeout_s": 3600}
    )
    with (
        live_server(settings) as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0) as ours,
        ThreadPoolExecutor(2) as crowd,
    ):
        with held_runs(server, "tiny", monkeypatch) as has_begun:
            running = crowd.submit(server.client.get, "/generate?model=tiny")
            assert has_begun.wait(PATIENCE_S)
            waiting = crowd.submit(server.client.get, "/generate?model=tiny&n=4")
            wait_until(lambda: queued_images(server.client, "tiny") == 4)
            with pytest.raises(openai.RateLimitError, match="max_queue_size 4") as caught:
                ours.images.generate(prompt="", model="tiny", n=4)
            assert int(caught.value.response.headers["retry-after"]) >= 1
        assert [each.result().status_code for each in (running, waiting)] == [200, 200]


@pytest.mark.parametrize(
    ("prompt", "index"),
    [
        ("T-shirt/top", 0),
        ("t_shirt_top", 0),
        ("0", 0),
        ("a red T-shirt, please", 0),
        ("TOPS", 0),
        ("shirts", 1),
        ("one shirt", 1),
        ("an ankle  boot!", 3),
        ("3", 3),
        ("dresses", 4),
        ("a dress", 4),
        ("7", 5),
        ("the digit 7", 5),
        ("", None),
        ("  ", None),
        ("?", None),
    ],
)
def test_a_prompt_names_a_class(prompt: str, index: int | None) -> None:
    assert class_of_prompt(prompt, NAMES, model="m") == index


@pytest.mark.parametrize(
    "prompt", ["a boot", "9", "shirtless", "bag and shirt", "t-shirt or shirt"]
)
def test_a_prompt_that_names_none_or_several_is_refused(prompt: str) -> None:
    with pytest.raises(InvalidParameter, match="exactly one of these words") as caught:
        class_of_prompt(prompt, NAMES, model="m")
    assert "Ankle boot" in caught.value.detail


def test_the_document_shows_an_example(client: httpx.Client) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/v1/images/generations"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    assert client.post("/v1/images/generations", json=content["example"]).status_code == 200
    assert set(content["example"]) <= set(content["schema"]["properties"])
    assert json.dumps(content["schema"]["required"]) == '["prompt"]'
