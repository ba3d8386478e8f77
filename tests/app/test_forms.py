"""Multipart forms: the one that is wanted, and every other."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidUpload
from app.forms import FormFile, file_of_form

TYPE = "multipart/form-data; boundary=limit"
DISPOSITION = b'Content-Disposition: form-data; name="image"; filename="a.png"'
END = b"\r\n--limit--\r\n"


def part(data: bytes, *headers: bytes) -> bytes:
    return b"--limit\r\n" + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + data


@pytest.mark.parametrize("data", [b"", b"x", b"\r\n", b"\r\n--limi", b"x--limit", bytes(100_000)])
def test_the_file_is_what_was_put_into_the_field(data: bytes) -> None:
    body = part(data, DISPOSITION, b"Content-Type: image/png") + END
    assert file_of_form(body, TYPE) == FormFile(data, "image/png")


@pytest.mark.parametrize(
    ("headers", "media_type"),
    [
        ([DISPOSITION], None),
        ([b'content-disposition: form-data; name="image"'], None),
        ([b"Content-Type: IMAGE/Png; a=b", DISPOSITION], "image/png"),
        ([b"Content-Disposition: form-data; name=image", b"X: y"], None),
    ],
)
def test_headers_may_be_written_in_many_ways(headers: list[bytes], media_type: str | None) -> None:
    assert file_of_form(part(b"x", *headers) + END, TYPE) == FormFile(b"x", media_type)


@pytest.mark.parametrize("content_type", [TYPE, TYPE.replace("limit", '"limit"'), f"{TYPE}; a=b"])
def test_the_boundary_may_be_quoted(content_type: str) -> None:
    assert file_of_form(part(b"x", DISPOSITION) + END, content_type).data == b"x"


def test_what_surrounds_the_form_is_ignored() -> None:
    body = b"\r\n" + part(b"x", DISPOSITION) + END + b"epilogue"
    assert file_of_form(body, TYPE).data == b"x"


@pytest.mark.parametrize(
    ("body", "part_of_detail"),
    [
        (b"", "cut off or empty"),
        (b"--limit--\r\n", "cut off or empty"),
        (part(b"x", DISPOSITION), "cut off or empty"),
        (part(b"x", DISPOSITION) + b"\r\n--limit\r\n", "does not end"),
        (part(b"x", DISPOSITION) + b"\r\n--limit-", "does not end"),
        (part(b"x", DISPOSITION) + b"\r\n" + part(b"y", DISPOSITION) + END, "more than one field"),
        (part(b"x", DISPOSITION.replace(b"image", b"file")) + END, "field is 'file'"),
        (part(b"x", DISPOSITION.replace(b"image", b"i" * 2000)) + END, r"iii\.\.\.'"),
        (part(b"x", DISPOSITION.replace(b"image", b"\xff")) + END, "field is '\ufffd'"),
        (part(b"x", b"Content-Type: image/png") + END, "field is ''"),
        (part(b"x") + END, "field is ''"),
        (part(b"x", b"no header") + END, "malformed"),
        (part(b"x", b": nameless") + END, "malformed"),
        (part(b"x", DISPOSITION, *[b"X: y"] * 100) + END, "malformed"),
        (part(b"x", b"X: " + b"y" * 20_000, DISPOSITION) + END, "more than 16,384 bytes"),
        (part(b"x", *[b"X: y"] * 10_000) + END, "more than 16,384 bytes"),
        (b"--limit" + b"\r\n--limit--", "headers"),
        (b"--wrong" + part(b"x", DISPOSITION)[7:] + END, "malformed"),
        (b"preamble" + part(b"x", DISPOSITION) + END, "malformed"),
    ],
)
def test_any_other_form_is_refused_with_what_would_be_right(
    body: bytes, part_of_detail: str
) -> None:
    with pytest.raises(InvalidUpload, match=part_of_detail) as refused:
        file_of_form(body, TYPE)
    assert "would be right" in refused.value.detail
    assert len(refused.value.detail) < 400


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; charset=utf-8",
        f"{TYPE}{';' * 60_000}",
    ],
)
def test_a_form_without_a_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(InvalidUpload, match="boundary"):
        file_of_form(part(b"x", DISPOSITION) + END, content_type)


@pytest.mark.parametrize("filling", [b"\r", b"\r\n--limi", b"\n--limit", b"-"])
def test_data_that_looks_like_boundaries_takes_no_longer(filling: bytes) -> None:
    data = filling * (3_000_000 // len(filling))
    started = time.thread_time()  # of the processor, whoever else wants it
    assert file_of_form(part(data, DISPOSITION) + END, TYPE).data == data
    assert time.thread_time() - started < 1


pieces = st.sampled_from(
    [b"--limit", b"\r\n", b"--", DISPOSITION, b"Content-Type: image/png", b":", b" ", b"\r", b"x"]
)


@given(st.lists(pieces | st.binary(max_size=5), max_size=20).map(b"".join))
def test_no_bytes_are_an_error_that_nobody_expects(body: bytes) -> None:
    with contextlib.suppress(InvalidUpload):
        file_of_form(body, TYPE)


@given(st.text(st.characters(max_codepoint=255), max_size=50))
def test_no_content_type_is_one_either(parameters: str) -> None:
    with contextlib.suppress(InvalidUpload):
        file_of_form(part(b"x", DISPOSITION) + END, f"multipart/form-data; {parameters}")
