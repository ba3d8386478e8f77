"""Header fields, read in one pass."""

from app.header_fields import header_fields


def test_names_are_lower_case_and_values_as_sent() -> None:
    raw = [(b"accept", b"image/PNG"), (b"X-Name", b"caf\xe9")]
    assert header_fields({"headers": raw}) == {"accept": "image/PNG", "x-name": "caf\xe9"}


def test_a_repeated_field_is_joined_in_order() -> None:
    raw = [(b"accept", b"image/png"), (b"host", b"h"), (b"accept", b"application/zip")]
    fields = header_fields({"headers": raw})
    assert fields["accept"] == "image/png, application/zip"
    assert fields.get("if-none-match") is None
