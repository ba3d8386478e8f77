"""Accept chooses the format of a translated image, by the rules of RFC 9110."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.encoders import ENCODERS
from app.errors import NotAcceptable
from app.negotiation import accepted_format


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "png"),
        ("", "png"),
        (" , ", "png"),
        ("*/*", "png"),
        ("image/*", "png"),
        ("text/html, */*;q=0.1", "png"),
        ("image/webp", "webp"),
        ("IMAGE/JPEG", "jpeg"),
        ("image/jpeg, image/png", "jpeg"),
        ("image/png, image/jpeg", "png"),
        ("image/jpeg;q=0.5, image/webp;q=0.7", "webp"),
        ("image/jpeg; q=0.5, image/png;level=1;q=0.4", "jpeg"),
        ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "webp"),
        ("image/png;q=0, */*", "webp"),
        ("image/png;q=0, image/webp;q=0, */*;q=0.1", "jpeg"),
        ("image/*;q=0, */*, image/jpeg;q=0.1", "jpeg"),
        ("image/jpeg;q=0.2, image/*;q=0.9", "png"),
        ("image/webp;q=1.5", "webp"),
        ("image/webp, image/webp;q=0", "webp"),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "jpeg"),
    ],
)
def test_the_greatest_weight_wins_and_then_the_first(accept: str | None, expected: str) -> None:
    assert accepted_format(accept) == expected


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/json",
        "image/gif",
        "image/png;q=0",
        "*/*;q=0",
        "image/*;q=0, */*",
        "image/webp;q=nan",
        "image/webp;q=much",
        "nonsense",
        "x" * 5000,
    ],
)
def test_what_admits_no_format_is_refused_with_those_there_are(accept: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        accepted_format(accept)
    assert accept[:90] in refused.value.detail
    assert "image/png, image/webp, image/jpeg" in refused.value.detail
    assert len(refused.value.detail) < 300


@given(st.text(st.characters(max_codepoint=255)))
def test_no_text_is_an_error_that_nobody_expects(accept: str) -> None:
    with contextlib.suppress(NotAcceptable):
        assert accepted_format(accept) in ENCODERS
