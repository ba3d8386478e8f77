"""How many bytes of uploads are held at once."""

from collections.abc import Callable

import pytest

from app.errors import QueueFull
from app.upload_budget import MAX_UPLOADS, UploadBudget


def test_what_is_beyond_the_budget_is_refused_and_given_back_at_the_end() -> None:
    budget = UploadBudget(max_upload_bytes=10)
    with budget.share() as hold:
        hold(10 * MAX_UPLOADS - 1)
        with budget.share() as hold_more:
            hold_more(1)
            with pytest.raises(QueueFull, match=r"320 bytes of uploads are held already; at most"):
                hold_more(1)
        hold(1)
    with budget.share() as hold:
        hold(10 * MAX_UPLOADS)


def test_an_error_gives_back_what_was_held() -> None:
    budget = UploadBudget(max_upload_bytes=10)
    for _ in range(3):
        with budget.share() as hold:
            hold(200)
            with pytest.raises(QueueFull):
                hold(200)
    with pytest.raises(ValueError, match="spoilt"), budget.share() as hold:
        hold_and_fail(hold)
    with budget.share() as hold:
        hold(320)


def hold_and_fail(hold: Callable[[int], None]) -> None:
    hold(200)
    raise ValueError("spoilt")
