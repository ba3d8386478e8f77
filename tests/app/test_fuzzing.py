"""Whatever bytes arrive, what reads them gives a result or the errors that it documents, in time.

200 examples of each; FUZZING_EXAMPLES=20000 asks for more, as ``make fuzz`` does.
"""

import json
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.claims import Claim, NotVerifiable, claim_of
from app.decoders import decode, decode_as_it_is
from app.errors import InvalidParameter, InvalidUpload, ModelRefused, UnsupportedMediaType
from app.forms import FormFile, file_of_form
from app.inference_protocol.bodies import read_inference
from app.inference_protocol.tensors import input_kinds
from app.json_objects import read_json
from app.model_structure import check_structure
from contract import METADATA_KEY, CardError, ModelCard
from tests.spoilt_files import changed, one_changed, spoilt_png, spoilt_webp
from tests.toy_images import animated, chunk, file_of, lossless, noise, oriented, png, saved
from tests.toy_models import make_card, make_model

MOST_CHARACTERS = 5000  # of what is told
MOST_SECONDS = 5.0  # of the processor; milliseconds are usual

fuzzed = settings(max_examples=int(os.environ.get("FUZZING_EXAMPLES", "200")), deadline=None)


@contextmanager
def only(*documented: type[Exception]) -> Iterator[None]:
    """What is done ends soon, and with no other error than these."""
    told, started = "", time.process_time()
    try:
        yield
    except documented as error:
        told = str(error)
    assert time.process_time() - started < MOST_SECONDS
    assert len(told) < MOST_CHARACTERS


CLAIM = {
    **{"digest": "0" * 64, "seed": 1, "n": 1, "columns": 1, "label": None, "scale": 1},
    "truncation": None,
}


def written(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def claiming(text: str) -> bytes:
    return png(8, 8, chunk(b"iTXt", b"ganserve\0\0\0\0\0" + written(text)))


PNGS = [
    png(8, 8),
    png(9, 7, depth=1, interlaced=True, pixels=zlib.compress(bytes(60))),
    png(8, 8, depth=16, colour_type=6, pixels=zlib.compress(bytes(65 * 8))),
    png(8, 8, chunk(b"PLTE", bytes(range(48))), chunk(b"tRNS", bytes(16)), colour_type=3, depth=4),
    file_of(noise(8, 8, 2).view(np.uint16)[..., 0]),
    file_of(noise(8, 8, 4)),
    oriented(Image.fromarray(noise(5, 8, 3)), 6),
    saved(Image.fromarray(noise(8, 8, 3)).quantize(16), transparency=bytes(16)),
    animated("PNG"),
    claiming(json.dumps(CLAIM)),
]
JPEGS = [
    lossless(noise(8, 8, 3), "JPEG"),
    file_of(noise(20, 20), "JPEG"),
    file_of(noise(40, 40, 3), "JPEG", progressive=True),
    saved(Image.new("CMYK", (8, 8)), "JPEG"),
    oriented(Image.fromarray(noise(5, 8, 3)), 5, "JPEG"),
]
WEBPS = [
    file_of(noise(8, 8, 3), "WEBP"),
    file_of(noise(8, 8, 4), "WEBP", lossless=True, exif=b"Exif\0\0II*\0"),
    file_of(noise(8, 8, 4), "WEBP"),
    animated("WEBP"),
]
SIGNATURES = (b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x10\0\0\0WEBPVP8L")

UPLOADS = (
    st.builds(bytes.__add__, st.sampled_from(SIGNATURES), st.binary(max_size=300))
    | one_changed([*PNGS, *JPEGS, *WEBPS])
    | spoilt_png(PNGS)
    | spoilt_webp(WEBPS)
)


@fuzzed
@given(upload=UPLOADS, channels=st.sampled_from((1, 3)))
def test_uploads_are_decoded_or_refused(upload: bytes, channels: int) -> None:
    with only(InvalidUpload, UnsupportedMediaType):
        source = decode(upload, width=6, height=5, channels=channels)
        assert source.pixels.shape == (5, 6, channels)
        assert source.pixels.dtype == np.uint8


@fuzzed
@given(upload=UPLOADS)
def test_uploads_are_decoded_as_they_are_or_refused(upload: bytes) -> None:
    with only(InvalidUpload, UnsupportedMediaType):
        pixels = decode_as_it_is(upload)
        assert pixels.ndim == 3
        assert pixels.shape[2] == 4


STRANGE = st.sampled_from((10**400, -1, 2**63, "\ud800", "9" * 70))
NAMES = st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | STRANGE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def other_values(draw: st.DrawFn, sound: dict[str, Any]) -> dict[str, Any]:
    """With other values, some of them missing, some that are unknown."""
    values = dict(sound)
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from([*sound, "unknown"]))
        if draw(st.booleans()):
            values[name] = draw(JSON)
        else:
            values.pop(name, None)
    return values


@st.composite
def texts_of(draw: st.DrawFn, sound: dict[str, Any]) -> str:
    """JSON of it with other values, or with other letters, or any text at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.text(max_size=60))
    text = json.dumps(draw(other_values(sound)))
    if draw(st.booleans()):
        text = draw(changed(text.encode(), most=2)).decode("latin-1")
    return text


@fuzzed
@given(upload=spoilt_png(PNGS) | one_changed(PNGS) | texts_of(CLAIM).map(claiming))
def test_claims_are_read_or_refused(upload: bytes) -> None:
    with only(NotVerifiable, InvalidUpload, UnsupportedMediaType):
        assert isinstance(claim_of(upload), Claim)


FORM = (
    b'--b\r\nContent-Disposition: form-data; name="image"; filename="x.png"\r\n'
    b"Content-Type: image/png\r\n\r\ndata\r\n--b--\r\n"
)
FORM_TYPES = st.sampled_from(
    (
        *("multipart/form-data; boundary=b", 'multipart/form-data; boundary="b"'),
        *("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; x; ;="),
        "multipart/form-data; boundary*=utf-8''b",
    )
) | st.text(st.characters(max_codepoint=255), max_size=30).map("multipart/form-data; ".__add__)


@fuzzed
@given(body=changed(FORM) | st.binary(max_size=200), content_type=FORM_TYPES)
def test_forms_are_read_or_refused(body: bytes, content_type: str) -> None:
    with only(InvalidUpload):
        assert isinstance(file_of_form(body, content_type), FormFile)


CARD = make_card(
    "tiny",
    class_names=("T-shirt/top", "Bag"),
    recipe={"kimg": 1.5, "betas": [0.5, 0.999]},
    metrics={"frechet_distance": {"value": 1.5, "protocol": "as always"}},
    created_at="2026-01-02T03:04:05Z",
)


@fuzzed
@given(text=texts_of(CARD.model_dump(mode="json")))
def test_cards_are_read_or_refused_and_what_is_read_can_be_written(text: str) -> None:
    with only(CardError):
        card = ModelCard.from_metadata({METADATA_KEY: text})
        assert ModelCard.from_metadata(card.to_metadata()) == card


INFERENCE = {
    "id": "1",
    "inputs": [{"name": "seed", "shape": [2], "datatype": "INT64", "data": [1, 2]}],
    "outputs": [{"name": "images", "parameters": {"binary_data": True}}],
}
TENSOR = {"name": "seed", "shape": [2], "datatype": "INT64", "parameters": {"binary_data_size": 16}}
INFERENCES = texts_of(INFERENCE) | texts_of(TENSOR).map('{{"inputs":[{}]}}'.format)


@fuzzed
@given(
    text=INFERENCES,
    behind=st.binary(max_size=20),
    length=st.none() | st.text("0123456789 -x", max_size=6) | st.just("right"),
)
def test_inferences_are_read_or_refused(text: str, behind: bytes, length: str | None) -> None:
    body = written(text)
    with only(InvalidParameter):
        told = str(len(body)) if length == "right" else length
        inference = read_inference(body + behind, told, input_kinds(CARD))
        assert inference.num_images >= 0


@fuzzed
@given(body=texts_of(CLAIM).map(written) | st.binary(max_size=60))
def test_json_is_read_or_refused(body: bytes) -> None:
    with only(InvalidParameter):
        read_json(body)


MODEL = make_model(CARD).SerializeToString()


@fuzzed
@given(model=changed(MODEL) | st.binary(max_size=200))
def test_model_files_are_looked_through_or_refused(model: bytes) -> None:
    with only(ModelRefused):
        check_structure(model)


STILL = [*PNGS[:8], PNGS[9], *JPEGS, *WEBPS[:3]]


@pytest.mark.parametrize(
    ("read", "sound"),
    [
        (lambda upload: decode(upload, width=8, height=8, channels=3), STILL),
        (claim_of, PNGS[9:]),
        (lambda body: file_of_form(body, "multipart/form-data; boundary=b"), [FORM]),
        (lambda text: ModelCard.from_metadata({METADATA_KEY: text}), [CARD.model_dump_json()]),
        (
            lambda body: read_inference(body, None, input_kinds(CARD)),
            [json.dumps(INFERENCE).encode()],
        ),
        (check_structure, [MODEL]),
    ],
)
def test_what_is_changed_was_sound(read: Callable[[Any], object], sound: list[Any]) -> None:
    for each in sound:
        read(each)
