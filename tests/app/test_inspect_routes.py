"""/inspect over a real socket: what an image claims is believed only where every pixel agrees."""

import io
import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from app.png_chunks import PNG_KEYWORD
from app.reproducibility import Reproducibility
from app.settings import Settings
from tests.live_server import live_server
from tests.toy_images import file_of, noise

PNG = {"content-type": "image/png"}


def made(client: httpx.Client, **parameters: Any) -> bytes:
    label = parameters.pop("label", None)
    response = client.get(f"/generate{f'/{label}' if label else ''}", params=parameters)
    assert response.status_code == 200, response.text
    return response.content


def inspected(client: httpx.Client, upload: bytes, **headers: str) -> dict[str, Any]:
    response = client.post("/inspect", content=upload, headers=headers or PNG)
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return dict(response.json())


def claim(upload: bytes) -> dict[str, Any]:
    with Image.open(io.BytesIO(upload)) as image:
        return dict(json.loads(image.text[PNG_KEYWORD]))


def saved(image: Image.Image, *claims: object, **options: Any) -> bytes:
    """The image with these claims, each as a text or as what JSON says."""
    info = PngImagePlugin.PngInfo()
    for each in claims:
        info.add_itxt(PNG_KEYWORD, each if isinstance(each, str) else json.dumps(each))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=info, **options)
    return buffer.getvalue()


def repainted(upload: bytes, *, by: int, at: tuple[int, int] = (3, 2)) -> bytes:
    """One pixel of a grey image changed by so many levels."""
    image = Image.open(io.BytesIO(upload))
    level = image.getpixel(at)
    assert isinstance(level, int)
    image.putpixel(at, level + by if level + by <= 255 else level - by)
    return saved(image, claim(upload))


@pytest.mark.parametrize(
    "asked",
    [
        {"model": "tiny"},
        {"model": "tiny-colour", "scale": 3},
        {"model": "tiny-conditional"},
        {"model": "tiny-conditional", "label": "bag"},
        {"model": "tiny-conditional", "n": 7},
        {"model": "tiny-conditional", "n": 7, "columns": 2, "label": "2", "truncation": 0.7},
        {"model": "tiny-two/1", "n": 3},
    ],
)
def test_what_generate_made_is_authentic(client: httpx.Client, asked: dict[str, Any]) -> None:
    upload = made(client, seed=42, **asked)
    inspection = inspected(client, upload)
    assert inspection["verdict"] == "authentic"
    assert inspection["claim"] == claim(upload)
    assert inspection["model"].startswith(asked["model"].partition("/")[0])
    assert inspection["difference"]["num_different_pixels"] == 0
    assert inspection["difference"]["box"] is None


def test_a_form_is_taken_too(client: httpx.Client) -> None:
    response = client.post("/inspect", files={"image": ("a.png", made(client, seed=1))})
    assert response.json()["verdict"] == "authentic"


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"compress_level": 0}])
def test_the_same_pixels_saved_anew_are_authentic(
    client: httpx.Client, options: dict[str, Any]
) -> None:
    upload = made(client, seed=1, model="tiny")
    image = Image.open(io.BytesIO(upload))
    for picture in (image, image.convert("RGB"), image.convert("RGBA"), image.quantize(256)):
        assert inspected(client, saved(picture, claim(upload), **options))["verdict"] == "authentic"


@pytest.mark.parametrize("by", [2, 90])
def test_one_pixel_is_enough_to_be_altered(client: httpx.Client, by: int) -> None:
    inspection = inspected(client, repainted(made(client, seed=1, model="tiny"), by=by))
    assert inspection["verdict"] == "altered"
    assert inspection["difference"] == {
        "num_pixels": 64,
        "num_different_pixels": 1,
        "largest": by,
        "box": [3, 2, 4, 3],
    }
    assert "1 of 64 pixels" in inspection["reason"]


def test_one_level_is_neither_authentic_nor_surely_altered(client: httpx.Client) -> None:
    inspection = inspected(client, repainted(made(client, seed=1, model="tiny"), by=1))
    assert inspection["verdict"] == "not verifiable"
    assert inspection["difference"]["num_different_pixels"] == 1
    assert "one level" in inspection["reason"]


def test_where_a_seed_may_round_differently_one_level_is_authentic(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Reproducibility, "is_exact", lambda self, model: False)
    with live_server(tiny_settings) as server:
        upload = made(server.client, seed=1, model="tiny")
        assert inspected(server.client, repainted(upload, by=1))["verdict"] == "authentic"
        assert inspected(server.client, repainted(upload, by=2))["verdict"] == "altered"


def test_transparency_is_an_alteration(client: httpx.Client) -> None:
    upload = made(client, seed=1, model="tiny")
    image = Image.open(io.BytesIO(upload)).convert("LA")
    image.putpixel((0, 0), (image.getpixel((0, 0))[0], 100))  # type: ignore[index]
    assert inspected(client, saved(image, claim(upload)))["verdict"] == "altered"


@pytest.mark.parametrize("change", [{"seed": 2}, {"truncation": 0.3}, {"label": "7"}])
def test_another_claim_than_the_true_one_is_found_out(
    client: httpx.Client, change: dict[str, Any]
) -> None:
    upload = made(client, seed=1, model="tiny-conditional", label="bag")
    lie = saved(Image.open(io.BytesIO(upload)), claim(upload) | change)
    assert inspected(client, lie)["verdict"] == "altered"


@pytest.mark.parametrize("change", [{"scale": 2}, {"n": 5, "columns": 3}])
def test_another_size_than_the_claimed_one_is_altered(
    client: httpx.Client, change: dict[str, Any]
) -> None:
    upload = made(client, seed=1, model="tiny")
    inspection = inspected(client, saved(Image.open(io.BytesIO(upload)), claim(upload) | change))
    assert inspection["verdict"] == "altered"
    assert inspection["difference"] is None
    assert "size" in inspection["reason"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"digest": "0" * 64}, "is not served here"),
        ({"digest": "0" * 63}, "digest"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**32}, "seed"),
        ({"seed": "1"}, "seed"),
        ({"seed": True}, "seed"),
        ({"n": 10**30}, "n must be"),
        ({"n": 257}, "n must be an integer from 1 to 256"),
        ({"n": 0}, "n"),
        ({"columns": 0}, "columns"),
        ({"scale": 17}, "scale"),
        ({"truncation": 0.01}, "truncation"),
        ({"truncation": 1e999}, "truncation"),
        ({"label": "bag"}, "has no classes"),
        ({"label": 7}, "label"),
        ({"extra": 1}, "extra"),
        ({"source_sha256": "0" * 64}, "translated"),
        ({"seeds": [1, 2]}, "/interpolate"),
    ],
)
def test_a_claim_that_generate_does_not_make_is_not_verifiable(
    client: httpx.Client, change: dict[str, Any], told: str
) -> None:
    upload = made(client, seed=1, model="tiny")
    inspection = inspected(client, saved(Image.open(io.BytesIO(upload)), claim(upload) | change))
    assert inspection["verdict"] == "not verifiable"
    assert told in inspection["reason"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "7", "[" * 4_000, '{"seed":1,"seed":1}', "x" * 10_000]
)
def test_a_claim_that_is_no_object_is_not_verifiable(client: httpx.Client, text: str) -> None:
    upload = saved(Image.fromarray(noise(8, 8)), text)
    assert inspected(client, upload)["verdict"] == "not verifiable"


def test_two_claims_are_none(client: httpx.Client) -> None:
    upload = made(client, seed=1)
    twice = saved(Image.open(io.BytesIO(upload)), claim(upload), claim(upload))
    assert "2 texts" in inspected(client, twice)["reason"]


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_an_image_from_elsewhere_is_not_verifiable(client: httpx.Client, format: str) -> None:
    upload = file_of(noise(8, 8, 3), format)
    inspection = inspected(client, upload, **{"content-type": f"image/{format.lower()}"})
    assert (inspection["verdict"], inspection["claim"]) == ("not verifiable", None)


def test_what_other_routes_make_is_not_verifiable(client: httpx.Client) -> None:
    animation = client.get("/interpolate?frames=3").content
    assert "animated" in inspected(client, animation)["reason"]
    around = client.get("/neighbours?n=4").content
    assert "/neighbours" in inspected(client, around)["reason"]
    strip = client.get("/interpolate?frames=3&layout=strip").content
    assert "/interpolate" in inspected(client, strip)["reason"]
    translated = client.post("/translate", content=file_of(noise(8, 8)), headers=PNG).content
    assert "translated" in inspected(client, translated)["reason"]


@pytest.mark.parametrize(
    ("upload", "status"),
    [(b"", 422), (b"no image", 415), (b"\x89PNG\r\n\x1a\n", 422)],
)
def test_what_is_no_image_is_refused(client: httpx.Client, upload: bytes, status: int) -> None:
    response = client.post("/inspect", content=upload, headers=PNG)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_a_damaged_image_is_refused_though_its_claim_is_true(client: httpx.Client) -> None:
    upload = made(client, seed=1, model="tiny")
    at = upload.index(b"IDAT") + 6
    spoilt = upload[:at] + bytes([upload[at] ^ 255]) + upload[at + 1 :]
    assert client.post("/inspect", content=spoilt, headers=PNG).status_code == 422


def test_parameters_and_other_types_are_refused(client: httpx.Client) -> None:
    assert client.post("/inspect?seed=1", content=made(client), headers=PNG).status_code == 422
    assert client.post("/inspect", json={"seed": 1}).status_code == 415
    assert client.get("/inspect").status_code == 405


@given(
    st.dictionaries(
        st.sampled_from(["digest", "seed", "n", "columns", "label", "truncation", "scale", "x"]),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=5)
        | st.lists(st.integers(), max_size=2),
    )
)
@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_claimed_there_is_a_verdict(
    client: httpx.Client, change: dict[str, Any]
) -> None:
    upload = made(client, seed=1, model="tiny")
    lie = saved(Image.open(io.BytesIO(upload)), claim(upload) | change)
    assert inspected(client, lie)["verdict"] in ("authentic", "altered", "not verifiable")
