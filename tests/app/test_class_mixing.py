"""Mixtures of classes: a class alone is what it was, and a mixture the same in any company."""

import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image

from app.png_chunks import PNG_KEYWORD
from app.settings import Settings
from contract import sample_latents
from tests.live_server import live_server
from tests.toy_models import make_card, write_model

NAMES = ("T-shirt/top", "Bag", "7", "Coat")
PNG = {"content-type": "image/png"}


@pytest.fixture(scope="module")
def mixing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    models = tmp_path_factory.mktemp("mixing") / "models"
    card = make_card("mixing", system="cgan", class_names=NAMES)
    write_model(models, card, mixes_classes=True)
    write_model(models, card.model_copy(update={"name": "plain"}))
    write_model(models, make_card("no-classes"))
    settings = Settings(models=models, device="cpu", default_conditional_model="mixing")
    with live_server(settings) as server:
        yield server.client


def picture(client: httpx.Client, path: str = "/generate", **parameters: Any) -> bytes:
    response = client.get(path, params={"seed": 5, **parameters})
    assert response.status_code == 200, response.text
    return response.content


def pixels(content: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(content))).astype(int)


def refused(client: httpx.Client, path: str = "/generate", **parameters: Any) -> str:
    response = client.get(path, params=parameters)
    assert response.status_code == 422, response.text
    return str(response.json()["detail"])


@pytest.mark.parametrize("label", range(4))
def test_a_model_that_mixes_gives_plain_classes_as_before(mixing: httpx.Client, label: int) -> None:
    one = picture(mixing, f"/generate/{label}", model="mixing", n=9)
    other = picture(mixing, f"/generate/{label}", model="plain", n=9)
    assert (pixels(one) == pixels(other)).all()


def test_one_class_with_all_of_the_share_is_that_class(mixing: httpx.Client) -> None:
    asked = {"model": "mixing", "n": 3}
    alone = picture(mixing, "/generate/bag", **asked)
    assert picture(mixing, label_weights="bag:2", **asked) == alone
    assert picture(mixing, label_weights="1:0.1,7:0", **asked) == alone
    assert picture(mixing, label_weights="bag:1", model="plain") == picture(
        mixing, "/generate/bag", model="plain"
    )


def test_a_mixture_is_the_weighted_mean_of_what_makes_the_classes(mixing: httpx.Client) -> None:
    mixed = pixels(picture(mixing, label_weights="bag:3,coat:1"))
    rng = np.random.RandomState(0)
    projection = rng.standard_normal((4, 64)).astype(np.float32)
    classes = rng.standard_normal((4, 64)).astype(np.float32)
    logits = sample_latents([5], 4) @ projection + 0.75 * classes[1] + 0.25 * classes[3]
    assert np.abs(mixed - (np.tanh(logits) * 127.5 + 127.5).reshape(8, 8)).max() <= 1


def test_neither_order_nor_unit_nor_name_of_a_class_matters(mixing: httpx.Client) -> None:
    one = pixels(picture(mixing, label_weights="bag:0.5,coat:0.25,0:0.25"))
    other = pixels(picture(mixing, label_weights="t_shirt_top:1,3:1,Bag:2"))
    assert (one == other).all()


def test_the_body_says_it_as_an_object(mixing: httpx.Client) -> None:
    asked = {"seed": 5, "label_weights": {"bag": 1, "coat": 0.5}}
    by_post = mixing.post("/generate", json=asked)
    assert by_post.status_code == 200
    assert by_post.content == picture(mixing, label_weights="bag:1,coat:0.5")


def test_the_image_tells_its_mixture_and_can_be_inspected(mixing: httpx.Client) -> None:
    content = picture(mixing, label_weights="coat:0.5,bag:1", n=4)
    said = json.loads(Image.open(io.BytesIO(content)).text[PNG_KEYWORD])
    assert said["label_weights"] == {"Bag": 1, "Coat": 0.5}
    assert said["label"] is None
    inspection = mixing.post("/inspect", content=content, headers=PNG).json()
    assert inspection["verdict"] == "authentic"
    answer = json.loads(picture(mixing, label_weights="bag:1,coat:1", layout="json"))
    assert answer["images"][0]["label"] is None


@given(shares=st.lists(st.floats(0.01, 10), min_size=4, max_size=4), seed=st.integers(0, 2**32 - 1))
@examples(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mixture_is_the_same_alone_and_in_any_company(
    mixing: httpx.Client, shares: list[float], seed: int
) -> None:
    asked = {"label_weights": ",".join(f"{i}:{share}" for i, share in enumerate(shares))}
    alone = picture(mixing, **asked, seed=seed)
    with ThreadPoolExecutor(8) as crowd:
        others = [
            crowd.submit(picture, mixing, "/generate/coat", seed=other, n=3) for other in range(4)
        ]
        company = [crowd.submit(picture, mixing, **asked, seed=seed) for _ in range(4)]
        assert {each.result() for each in company} == {alone}
        assert len({each.result() for each in others}) == 4


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ("bag:0,coat:0", "all 0"),
        ("bag:1,1:1", "names class 'Bag' twice"),
        ("bag:1,bag:1", "given twice"),
        ("bag", "label_weights must be classes"),
        ("bag:", "label_weights must be classes"),
        ("bag:x", "label_weights must be classes"),
        ("bag:-1,coat:2", "not -1.0"),
        ("bag:1001,coat:2", "from 0 to 1,000"),
        ("", "label_weights must be"),
    ],
)
def test_weights_that_are_none_are_refused(mixing: httpx.Client, weights: str, told: str) -> None:
    assert told in refused(mixing, label_weights=weights)


@pytest.mark.parametrize("body", [{}, {"bag": True}, {"bag": "1"}, {"bag": None}, [1], 1, "bag:1"])
def test_a_body_is_read_strictly(mixing: httpx.Client, body: object) -> None:
    assert mixing.post("/generate", json={"label_weights": body}).status_code == 422


def test_a_class_and_a_mixture_exclude_each_other(mixing: httpx.Client) -> None:
    assert "one of the two" in refused(mixing, "/generate/bag", label_weights="bag:1,coat:1")


def test_unknown_classes_and_models_that_cannot_mix_are_told(mixing: httpx.Client) -> None:
    response = mixing.get("/generate?label_weights=bag:1,hat:1")
    assert response.status_code == 404
    assert "'hat'" in response.json()["detail"]
    assert "cannot mix classes" in refused(mixing, label_weights="0:1,1:1", model="plain")
    assert "has no classes" in refused(mixing, label_weights="0:1,1:1", model="no-classes")


def test_the_models_that_mix_say_so(mixing: httpx.Client) -> None:
    listed = {
        model["name"]: model["mixes_classes"] for model in mixing.get("/models").json()["models"]
    }
    assert listed == {"mixing": True, "plain": False, "no-classes": False}


def test_an_interpolation_leads_from_class_to_class(mixing: httpx.Client) -> None:
    asked = {"seeds": "5,6", "labels": "bag,coat", "frames": 5, "loop": "false", "layout": "strip"}
    response = mixing.get("/interpolate", params=asked)
    assert response.status_code == 200, response.text
    frames = np.split(pixels(response.content), 5, axis=1)
    assert (frames[0] == pixels(picture(mixing, "/generate/bag", seed=5))).all()
    assert (frames[4] == pixels(picture(mixing, "/generate/coat", seed=6))).all()
    asked["seeds"] = "5,5"
    still = np.split(pixels(mixing.get("/interpolate", params=asked).content), 5, axis=1)
    assert (still[2] == pixels(picture(mixing, label_weights="bag:1,coat:1"))).all()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"labels": "bag"}, "labels must be one class name or index for each"),
        ({"labels": "bag,coat,7"}, "3 labels for 2 seeds"),
        ({"labels": "bag,coat", "label": "bag"}, "one of the two"),
        ({"labels": "bag,coat", "model": "plain"}, "cannot mix classes"),
        ({"labels": "0,1", "model": "no-classes"}, "has no classes"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    mixing: httpx.Client, asked: dict[str, Any], told: str
) -> None:
    assert told in refused(mixing, "/interpolate", seeds="1,2", **asked)


def test_a_model_whose_weights_do_not_fit_its_classes_is_refused(tmp_path: Path) -> None:
    import onnx

    card = make_card("odd", system="cgan", class_names=NAMES)
    path = write_model(tmp_path / "models", card, mixes_classes=True)
    model = onnx.load(path)
    model.metadata_props[0].value = card.model_copy(
        update={"class_names": NAMES[:3]}
    ).model_dump_json()
    path.write_bytes(model.SerializeToString())
    write_model(tmp_path / "models", make_card("tiny"))
    with live_server(Settings(models=tmp_path / "models", device="cpu")) as server:
        (failed,) = server.client.get("/models").json()["failed"]
    assert "label_weights" in failed["reason"]
