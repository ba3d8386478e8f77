"""The query of /translate: strict, and told in sentences."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidParameter
from app.translate_parameters import TranslateParameters, from_query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", {}),
        (b"format=webp", {"format": "webp"}),
        (b"keep_size=true", {"keep_size": True}),
        (b"keep_size=false&format=jpeg", {"keep_size": False, "format": "jpeg"}),
    ],
)
def test_what_may_be_asked(query: bytes, expected: dict[str, object]) -> None:
    assert from_query(query) == TranslateParameters(**expected)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        (b"format=gif", 'format must be one of: png, webp, jpeg, not "gif"'),
        (b"format=PNG", 'format must be one of: png, webp, jpeg, not "PNG"'),
        (b"format=", 'format must be one of: png, webp, jpeg, not ""'),
        (b"keep_size=1", 'keep_size must be true or false, not "1"'),
        (b"keep_size=True", 'keep_size must be true or false, not "True"'),
        (b"keep_size", 'keep_size must be true or false, not ""'),
        (b"scale=2", 'unknown parameter "scale"; known are: format, keep_size'),
        (b"model=tiny", 'unknown parameter "model"; known are: format, keep_size'),
        (b"format=png&format=png", 'parameter "format" is given twice; once would be right'),
        (b"x" * 65_537, "the query has 65,537 bytes; at most 65,536 would be right"),
    ],
)
def test_what_may_not_be_asked_is_told(query: bytes, detail: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        from_query(query)
    assert refused.value.detail == detail


@given(st.binary(max_size=100))
def test_no_query_is_an_error_that_nobody_expects(query: bytes) -> None:
    with contextlib.suppress(InvalidParameter):
        from_query(query)
