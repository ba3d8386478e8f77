"""How long a request may take: the least of what its client and the server allow."""

import pytest

from app.errors import InvalidParameter
from app.request_timeouts import timeout_of


@pytest.mark.parametrize(
    ("asked", "seconds"), [(None, 10), ("250", 0.25), ("1", 0.001), ("3600000", 10)]
)
def test_the_lesser_of_header_and_setting(asked: str | None, seconds: float) -> None:
    fields = {} if asked is None else {"x-request-timeout-ms": asked}
    assert timeout_of(fields, most_s=10) == seconds


@pytest.mark.parametrize("asked", ["0", "-1", "1.5", "3600001", "1e3", "", "x" * 500, "10, 20"])
def test_what_is_no_number_of_milliseconds_is_refused(asked: str) -> None:
    with pytest.raises(InvalidParameter, match="Timeout-Ms must be one integer") as refusal:
        timeout_of({"x-request-timeout-ms": asked}, most_s=10)
    assert len(refusal.value.detail) < 250
