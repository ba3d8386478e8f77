"""What is taken as a parameter, what is refused, and in which words."""

import contextlib
import json
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.encoders import ENCODERS
from app.errors import InvalidParameter
from app.layouts import LAYOUTS
from app.negotiation import accepted_layout
from app.orders import check_fits
from app.parameters import GenerateParameters, parameter_schemas
from app.parameters import from_json as from_json_with_limit
from app.parameters import from_query as from_query_with_limit
from tests.toy_models import make_card

from_json = partial(from_json_with_limit, GenerateParameters, max_images=256)
from_query = partial(from_query_with_limit, GenerateParameters, max_images=256)

valid = st.fixed_dictionaries(
    {},
    optional={
        "model": st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
        "n": st.integers(1, 256),
        "seed": st.integers(0, 2**32 - 1),
        "truncation": st.floats(0.1, 10),
        "format": st.sampled_from(list(ENCODERS)),
        "layout": st.sampled_from(list(LAYOUTS)),
        "columns": st.integers(1, 256),
        "scale": st.integers(1, 16),
    },
)


@given(valid)
def test_json_and_query_mean_the_same(values: dict[str, Any]) -> None:
    parameters = from_json(json.dumps(values).encode())
    assert parameters == GenerateParameters(**values)
    assert from_query(urlencode(values).encode()) == parameters


def test_nothing_at_all_means_all_defaults() -> None:
    assert from_json(b"") == from_json(b"{}") == from_query(b"") == GenerateParameters()


@pytest.mark.parametrize(
    ("body", "part_of_detail"),
    [
        ({"n": "4"}, 'n must be an integer from 1 to 256, not "4"'),
        ({"n": True}, "n must be an integer from 1 to 256, not true"),
        ({"n": 1.0}, "n must be an integer from 1 to 256, not 1.0"),
        ({"n": 0}, "n must be an integer from 1 to 256, not 0"),
        ({"n": None}, "n must be an integer from 1 to 256, not null"),
        ({"seed": None}, "seed must be an integer from 0 to 4294967295, not null"),
        ({"layout": None}, "layout must be one of: grid, zip, json, not null"),
        ({"": 1}, 'unknown parameter ""; known are: model'),
        ({"model": "\ud800"}, "model must be NAME"),
        ({"\ud800": 1}, 'unknown parameter "\\ud800"'),
        ({"truncation": 10**900}, "truncation must be a number from 0.1 to 10, not 1000"),
        ({"n": [1]}, "not an array"),
        ({"seed": -1}, "seed must be an integer from 0 to 4294967295, not -1"),
        ({"seed": 2**32}, "seed must be an integer from 0 to 4294967295, not 4294967296"),
        ({"truncation": 0.05}, "truncation must be a number from 0.1 to 10, not 0.05"),
        ({"truncation": "1"}, 'truncation must be a number from 0.1 to 10, not "1"'),
        ({"format": "gif"}, 'format must be one of: png, webp, jpeg, not "gif"'),
        ({"format": {}}, "format must be one of: png, webp, jpeg, not an object"),
        ({"layout": "tar"}, 'layout must be one of: grid, zip, json, not "tar"'),
        ({"columns": 0}, "columns must be an integer from 1 to 256, not 0"),
        ({"scale": 17}, "scale must be an integer from 1 to 16, not 17"),
        ({"model": 3}, "model must be NAME, NAME/VERSION or NAME@DIGEST"),
        ({"model": "x" * 201}, "model must be NAME"),
        ({"sede": 1}, 'unknown parameter "sede"; known are: model, n, seed, label_weights'),
        ([], "the body must be a JSON object of parameters, not an array"),
        ("seed", "the body must be a JSON object of parameters"),
        (None, "the body must be a JSON object of parameters, not null"),
    ],
)
def test_json_is_strict(body: Any, part_of_detail: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        from_json(json.dumps(body).encode())
    assert part_of_detail in refused.value.detail


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b"{'n': 1}", b'{"a":1}x', '{"n": 1}'.encode("utf-16")],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidParameter, match="not JSON"):
        from_json(body)


def test_json_that_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="nested too deeply"):
        from_json(b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize("name", ["n", "seed", "truncation", "model", "sede"])
def test_a_number_of_any_length_is_a_number(name: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        from_json(b'{"%s": 1%s}' % (name.encode(), b"0" * 5000))
    assert "not JSON" not in refused.value.detail
    assert len(refused.value.detail) < 300


@pytest.mark.parametrize("body", [b'{"n": 1, "n": 1}', b'{"n": 1, "n": null}'])
def test_a_name_given_twice_in_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidParameter, match='parameter "n" is given twice'):
        from_json(body)


def test_of_many_problems_the_first_ones_are_told() -> None:
    body = json.dumps({f"{'x' * 500}{number}": 1 for number in range(100)})
    with pytest.raises(InvalidParameter) as refused:
        from_json(body.encode())
    assert refused.value.detail.count("unknown parameter") == 5
    assert refused.value.detail.endswith("; and 95 more")
    assert len(refused.value.detail) < 1500


def test_no_schema_of_a_parameter_allows_null() -> None:
    assert "null" not in json.dumps(parameter_schemas(GenerateParameters, 256))


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
def test_no_number_is_not_a_number(number: bytes) -> None:
    with pytest.raises(InvalidParameter, match="truncation must be a number from 0.1 to 10"):
        from_json(b'{"truncation": ' + number + b"}")


@pytest.mark.parametrize(
    ("query", "part_of_detail"),
    [
        ("n=4.0", 'n must be an integer from 1 to 256, not "4.0"'),
        ("n=", 'n must be an integer from 1 to 256, not ""'),
        ("n=%204", "n must be"),
        ("n=+4", "n must be"),
        ("n=1_0", "n must be"),
        ("n=%D9%A3", "n must be"),  # an Arabic digit
        ("n=true", "n must be"),
        ("n=1e1", "n must be"),
        ("seed=" + "9" * 5000, "seed must be"),
        ("truncation=nan", "truncation must be"),
        ("truncation=inf", "truncation must be"),
        ("truncation=1e999", "truncation must be"),
        ("n=1&n=1", 'parameter "n" is given twice'),
        ("seed", "seed must be"),
        ("sede=1", 'unknown parameter "sede"'),
        ("%FF=1", "unknown parameter"),
        ("=1", 'unknown parameter ""; known are: model'),
        ("n=1&" * 20_000, "80,000 bytes"),
    ],
)
def test_a_query_is_as_strict(query: str, part_of_detail: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        from_query(query.encode())
    assert part_of_detail in refused.value.detail
    assert len(refused.value.detail) < 300


@given(st.binary(max_size=60))
def test_no_bytes_are_more_than_refused(data: bytes) -> None:
    for read in (from_json, from_query):
        with contextlib.suppress(InvalidParameter):
            assert read(data)


@pytest.mark.parametrize(
    ("values", "layout", "is_right"),
    [
        ({"n": 256}, "grid", True),
        ({"n": 257}, "grid", False),
        ({"n": 256, "columns": 256, "scale": 7}, "grid", True),  # 256 * 8 * 7 = 14,336
        ({"n": 256, "columns": 256, "scale": 8}, "grid", False),  # 16,384
        ({"n": 256, "columns": 256, "scale": 16}, "zip", True),  # columns mean nothing there
        ({"n": 256, "columns": 1, "scale": 8}, "grid", False),
    ],
)
def test_a_finished_image_has_a_limited_size(
    values: dict[str, int], layout: str, is_right: bool
) -> None:
    card = make_card("tiny", height=8, width=8)
    parameters = GenerateParameters(**values)
    if is_right:
        check_fits(parameters, layout, card, max_images=256)
    else:
        with pytest.raises(InvalidParameter):
            check_fits(parameters, layout, card, max_images=256)


@pytest.mark.parametrize("layout", ["zip", "json"])
def test_the_images_of_one_answer_have_a_limited_size_together(layout: str) -> None:
    parameters = GenerateParameters(n=256, scale=16)
    check_fits(parameters, layout, make_card("tiny", height=32, width=32), max_images=256)
    with pytest.raises(InvalidParameter, match="at most 67,108,864 in one"):
        check_fits(parameters, layout, make_card("tiny", height=32, width=33), max_images=256)


@pytest.mark.parametrize(
    ("accept", "layout"),
    [
        (None, "grid"),
        ("", "grid"),
        ("*/*", "grid"),
        ("application/zip", "zip"),
        ("Application/ZIP ; q=0.5", "zip"),
        ("application/json", "json"),
        ("application/json, */*", "grid"),
        ("application/json, image/*;q=0.1", "grid"),
        ("application/json, text/html", "json"),
        ("application/zip, application/json", "zip"),
        ("application/zip;q=0.3, application/json;q=0.9", "json"),
        ("image/png, application/json", "grid"),
        ("image/png;q=0.5, application/json", "json"),
        ("application/json;q=0", "grid"),
        ("application/json;q=most", "grid"),
        ("text/html, image/webp", "grid"),
        ('application/json; profile="*"', "json"),
        ("application/json, */*;q=0", "json"),
        ("application/problem+json", "grid"),
    ],
)
def test_accept_chooses_a_layout_only_where_it_is_clear(accept: str | None, layout: str) -> None:
    assert accepted_layout(accept) == layout
