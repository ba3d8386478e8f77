"""The product's main job in one test: train, export, serve, and get the same picture again."""

import io
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from app.settings import Settings
from tests.live_server import live_server
from training.cli import main

OPTIONS = (
    "--image-size", "16", "--width", "0.1", "--latent-dim", "8", "--batch-size", "16",
    "--kimg", "0.32", "--device", "cpu",
)  # fmt: skip


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """``dcgan`` and ``cgan`` trained for 20 steps on real digits, and exported."""
    for system in ("dcgan", "cgan"):
        run, model = tmp_path / system, tmp_path / "models" / f"{system}-digits"
        assert main(["train", system, "--data", "digits", "--out", str(run), *OPTIONS]) == 0
        assert main(["export", str(run), "--to", str(model)]) == 0
    return tmp_path / "models"


def test_from_data_to_picture(models: Path) -> None:
    settings = Settings(models=models, device="cpu", port=0)
    with live_server(settings) as server:
        client = server.client
        listed = client.get("/models").json()
        assert listed["failed"] == []
        assert [(model["name"], model["checksum"]) for model in listed["models"]] == [
            ("cgan-digits", "verified"), ("dcgan-digits", "verified"),
        ]  # fmt: skip

        answer = client.post("/generate")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        seed = answer.headers["x-seed"]
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.size == (16, 16)
        again = client.post(
            "/generate", json={"seed": int(seed), "model": answer.headers["x-model"]}
        )
        assert again.content == answer.content

        of_class = client.post("/generate/7", json={"seed": 1})
        assert of_class.headers["x-model"] == "cgan-digits/1"
        assert of_class.content != client.post("/generate/3", json={"seed": 1}).content
        assert client.get("/models/cgan-digits/preview.png").status_code == 200


@pytest.fixture
def translators(tmp_path: Path) -> Path:
    """``colour`` and ``grey`` trained for two steps on 24 pictures, and exported."""
    folder, run, models = tmp_path / "pictures", tmp_path / "run", tmp_path / "models"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(24):
        pixels = rng.integers(256, size=(8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    options = (
        "--image-size", "8", "--width", "0.05", "--batch-size", "4", "--kimg", "0.008",
        "--decay-kimg", "0", "--device", "cpu", "--evaluate-kimg", "0",
    )  # fmt: skip
    data = ("--data", f"colourise:{folder}")
    assert main(["train", "cyclegan", *data, "--out", str(run), *options]) == 0
    assert main(["export", str(run), "--to", str(models / "x"), "--names", "colour,grey"]) == 0
    return models


def test_from_two_domains_to_translation(translators: Path) -> None:
    rng = np.random.default_rng(1)
    pixels = rng.integers(256, size=(8, 8), dtype=np.uint8)
    upload = io.BytesIO()
    Image.fromarray(pixels).save(upload, format="PNG")
    settings = Settings(models=translators, device="cpu", port=0)
    with live_server(settings) as server:
        client = server.client
        listed = client.get("/models").json()
        assert listed["failed"] == []
        assert [(model["name"], model["kind"]) for model in listed["models"]] == [
            ("colour", "translator"), ("grey", "translator"),
        ]  # fmt: skip
        png = {"content-type": "image/png"}
        answer = client.post("/translate/colour", content=upload.getvalue(), headers=png)
        assert (answer.status_code, answer.headers["x-model"]) == (200, "colour/1")
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.mode == "RGB"
            served = np.asarray(image)
        back = client.post("/translate/grey", content=answer.content, headers=png)
        with Image.open(io.BytesIO(back.content)) as image:
            assert (image.mode, image.size) == ("L", (8, 8))
    session = onnxruntime.InferenceSession(translators / "colour" / "1" / "model.onnx")
    (images,) = session.run(["images"], {"source": pixels[None, :, :, None]})
    assert np.array_equal(served, images[0])
