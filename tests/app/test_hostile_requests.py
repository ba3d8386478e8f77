"""Requests made to harm are refused as the client's fault, quickly and in little memory."""

import json
import time
import zlib

import httpx
import pytest

from app.decoders import decode
from app.errors import InvalidParameter
from app.inference_protocol.bodies import read_inference
from app.inference_protocol.tensors import input_kinds
from app.pixels import MAX_PIXELS
from tests.peak_memory import peak_memory
from tests.toy_images import animated, chunk, claiming, file_of, noise, png, with_scans
from tests.toy_models import make_card

MOST_BYTES = 100_000_000  # taken by one request
MOST_SECONDS = 5.0  # of the processor; a hundredth is usual

ZEROS = zlib.compress(bytes(50_000_000))
SOUND = png(8, 8)


def without_checksum(upload: bytes) -> bytes:
    at = upload.index(b"IDAT") + 4
    length = int.from_bytes(upload[at - 8 : at - 4])
    return upload[: at + length] + b"\0\0\0\0" + upload[at + length + 4 :]


def many_frames() -> bytes:
    frame = chunk(b"fcTL", bytes(26)) + chunk(b"fdAT", bytes(4) + zlib.compress(bytes(72)))
    return png(8, 8, chunk(b"acTL", b"\0\0\x27\x10\0\0\0\0"), *[frame] * 9000)


UPLOADS = {
    "zeros": ("image/png", png(50_000, 50_000, pixels=ZEROS)),
    "one row too many": ("image/png", png(4096, 4097, pixels=ZEROS)),
    "largest of all": ("image/png", claiming("PNG", 2**32 - 1, 2**32 - 1)),
    "too many texts": ("image/png", png(8, 8, *[chunk(b"tEXt", b"k\0v")] * 20_001)),
    "animated PNG": ("image/png", many_frames()),
    "animated WebP": ("image/webp", animated("WEBP")),
    "large JPEG": ("image/jpeg", claiming("JPEG", 65_535, 65_535)),
    "large WebP": ("image/webp", claiming("WEBP", 2**24, 2**24)),
    "scans": ("image/jpeg", with_scans(3000)),
    "cut PNG": ("image/png", SOUND[:-20]),
    "cut JPEG": ("image/jpeg", file_of(noise(64, 64), "JPEG")[:300]),
    "cut WebP": ("image/webp", file_of(noise(64, 64, 3), "WEBP")[:300]),
    "wrong checksum": ("image/png", without_checksum(SOUND)),
    "another chunk first": ("image/png", SOUND[:8] + chunk(b"gAMA", bytes(4)) + SOUND[8:]),
    "no chunk": ("image/png", SOUND[:8]),
    "a length of 4 GiB": ("image/png", SOUND[:8] + b"\xff" * 4 + SOUND[12:]),
    "too few rows": ("image/png", png(8, 800, pixels=zlib.compress(bytes(9)))),
    "interlaced with too few": ("image/png", png(8, 800, pixels=b"x", interlaced=True)),
    "no image": ("image/png", b"GIF89a" + bytes(100)),
    "declared as another": ("image/jpeg", SOUND),
}


def form(boundary: str, *parts: str) -> bytes:
    lines = [f"--{boundary}\r\n{part}\r\n" for part in parts]
    return ("".join(lines) + f"--{boundary}--\r\n").encode()


FIELD = 'Content-Disposition: form-data; name="image"; filename="x.png"\r\n\r\n'
FORMS = {
    "thousands of parts": form("b", *[FIELD + "x"] * 9000),
    "thousands of headers": form("b", "".join(f"X-{i}: y\r\n" for i in range(40_000)) + FIELD),
    "a header that does not end": b"--b\r\nContent-Disposition: " + b"x" * 500_000,
    "boundaries without an end": b"--b\r\n" * 100_000,
    "no field": form("b"),
    "a file that is none": form("b", FIELD + "no image"),
}


def answer_within_bounds(
    client: httpx.Client, url: str, media_type: str, body: bytes
) -> httpx.Response:
    started = time.process_time()
    with peak_memory() as peak:
        answer = client.post(url, content=body, headers={"Content-Type": media_type})
        assert peak() < MOST_BYTES
    assert time.process_time() - started < MOST_SECONDS
    return answer


@pytest.mark.parametrize("name", UPLOADS)
def test_an_upload_is_refused_in_little_memory_and_time(
    translating: httpx.Client, name: str
) -> None:
    answer = answer_within_bounds(translating, "/translate", *UPLOADS[name])
    assert answer.status_code in (415, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", UPLOADS)
def test_an_upload_has_a_verdict_in_little_memory_and_time(
    translating: httpx.Client, name: str
) -> None:
    """Of most uploads nothing is verifiable, which is no fault; they are not decoded then."""
    answer = answer_within_bounds(translating, "/inspect", *UPLOADS[name])
    assert answer.status_code in (200, 415, 422), answer.text
    if answer.status_code == 200:
        assert answer.json()["verdict"] == "not verifiable"


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_refused_in_little_memory_and_time(translating: httpx.Client, name: str) -> None:
    media_type = "multipart/form-data; boundary=b"
    answer = answer_within_bounds(translating, "/translate", media_type, FORMS[name])
    assert answer.status_code in (413, 415, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("interlaced", [False, True])
def test_the_largest_and_deepest_image_takes_a_bounded_amount(interlaced: bool) -> None:
    side = int(MAX_PIXELS**0.5)
    rows = zlib.compress(bytes(8 * side + 1) * (side + 300))
    upload = png(side, side, depth=16, colour_type=6, pixels=rows, interlaced=interlaced)
    with peak_memory() as peak:
        decode(upload, width=8, height=8, channels=3)
        assert peak() < 20 * MAX_PIXELS


BODIES = {
    "deep": b"[" * 30_000 + b"]" * 30_000,
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "long number": b'{"n":' + b"9" * 60_000 + b"}",
    "long fraction": b'{"truncation":0.' + b"9" * 60_000 + b"}",
    "great exponent": b'{"truncation":1e999999999}',
    "not a number": b'{"truncation":NaN}',
    "infinity": b'{"truncation":-Infinity}',
    "twice": b'{"n":1,"n":2}',
    "many names": json.dumps({f"k{i}": 1 for i in range(4000)}).encode(),
    "far too many names": json.dumps(dict.fromkeys(map(str, range(20_000)), 1)).encode()[:65_000],
    "long list": b'{"n":[' + b"0," * 30_000 + b"0]}",
    "long name": b'{"' + b"k" * 60_000 + b'":1}',
    "long text": b'{"model":"' + b"k" * 60_000 + b'"}',
    "no end": b'{"n":' * 10_000,
    "not unicode": b'{"model":"\xff\xfe"}',
    "half a character": b'{"model":"\\ud800"}',
    "nul": b'{"model":"tiny\\u0000"}',
    "a list": b"[]",
    "compressed": zlib.compress(bytes(60_000)),
}


@pytest.mark.parametrize("path", ["/generate", "/interpolate", "/neighbours", "/dataset"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_is_refused_in_little_memory_and_time(
    client: httpx.Client, path: str, name: str
) -> None:
    answer = answer_within_bounds(client, path, "application/json", BODIES[name])
    assert answer.status_code in (404, 413, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 4000


QUERIES = {
    "hundreds of parameters": "&".join(f"k{i}=1" for i in range(900)),
    "one name hundreds of times": "&".join(["n=1"] * 900),
    "no names": "&" * 10_000,
    "long number": "seed=" + "9" * 10_000,
    "long text": "model=" + "a" * 10_000,
    "nested": "n[a][b]=1",
    "not unicode": "model=%ff%fe",
    "nul": "model=tiny%00",
    "half a character": "model=%ed%a0%80",
}


@pytest.mark.parametrize("path", ["/generate", "/generate/1", "/interpolate", "/dataset"])
@pytest.mark.parametrize("name", QUERIES)
def test_a_query_is_refused_in_little_memory_and_time(
    client: httpx.Client, path: str, name: str
) -> None:
    started = time.process_time()
    answer = client.get(f"{path}?{QUERIES[name]}")
    assert time.process_time() - started < MOST_SECONDS
    assert (200 if name == "no names" else 400) <= answer.status_code < 500
    assert len(answer.content) < 20_000


TENSORS = {
    "long and deep": b"[" + b"0," * 200_000 + b"[" * 900 + b"]" * 900 + b"]",
    "many empty lists": b"[" + b"[]," * 300_000 + b"0,0]",
    "many objects": b"[" + b'{"a":1},' * 100_000 + b"0]",
    "many long numbers": b"[" + (b"9" * 1000 + b",") * 900 + b"1]",
}


@pytest.mark.parametrize("name", TENSORS)
def test_numbers_are_looked_at_once_however_they_are_nested(name: str) -> None:
    tensor = b'{"name":"seed","shape":[1],"datatype":"INT64","data":%b}' % TENSORS[name]
    started = time.process_time()
    with peak_memory() as peak, pytest.raises(InvalidParameter):
        read_inference(b'{"inputs":[%b]}' % tensor, None, input_kinds(make_card()))
    assert peak() < MOST_BYTES
    assert time.process_time() - started < MOST_SECONDS


def test_names_beyond_number_are_not_told_one_by_one() -> None:
    body = json.dumps(dict.fromkeys(map(str, range(400_000)), 1)).encode()
    with peak_memory() as peak, pytest.raises(InvalidParameter, match="more than 10,000"):
        read_inference(body, None, input_kinds(make_card()))
    assert peak() < MOST_BYTES
