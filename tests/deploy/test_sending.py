"""A task is sent again where a replica dies, refuses or is silent; errors arrive as they were."""

import asyncio
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest

from app import errors
from app.errors import GanServeError, NotReady, QueueFull
from deploy.ray.messages import Refusal, error_of, refusal_of
from deploy.ray.sending import MAX_LOSSES, MAX_SECOND_COPIES, Sender

PATIENCE_S = 30


class Lost(Exception):
    """What says that a replica died."""


def send(
    *outcomes: object, second_copy_after_s: float = PATIENCE_S
) -> tuple[object, Counter[str], int]:
    """What comes of a task with such outcomes, why it was sent again, and how often it was sent.

    An outcome is an answer, an error, or a number of seconds without any.
    """
    why: Counter[str] = Counter()
    left = list(outcomes)

    async def ask() -> object:
        outcome = left.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        if isinstance(outcome, float):
            await asyncio.sleep(outcome)
        return outcome

    async def main() -> object:
        sender = Sender(
            "tiny", (Lost,), lambda reason: why.update([reason]),
            second_copy_after_s=second_copy_after_s,
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await sender.send(ask)
            except GanServeError as error:
                return error

    return asyncio.run(main()), why, len(outcomes) - len(left)


def test_an_answer_is_the_answer() -> None:
    assert send("images") == ("images", Counter(), 1)


def test_a_task_outlives_the_replicas_that_had_it() -> None:
    outcome, why, _ = send(Lost("died"), Lost("died"), "images")
    assert (outcome, why) == ("images", {"lost": 2})


def test_a_task_that_may_kill_replicas_is_given_up() -> None:
    outcome, _, num_sent = send(*[Lost("died")] * (MAX_LOSSES + 1))
    assert isinstance(outcome, NotReady)
    assert "4 replicas of model 'tiny'" in outcome.detail
    assert num_sent == MAX_LOSSES


def test_what_another_replica_may_do_is_asked_of_it() -> None:
    leaving = Refusal("Draining", "the server is shutting down", {}, elsewhere=True)
    outcome, why, _ = send(leaving, leaving, "images")
    assert (outcome, why) == ("images", {"refused": 2})


def test_what_none_can_do_is_told_at_once() -> None:
    outcome, why, num_sent = send(refusal_of(QueueFull("full", retry_after_s=7)), "images")
    assert isinstance(outcome, QueueFull)
    assert outcome.headers == {"Retry-After": "7"}
    assert (not why, num_sent) == (True, 1)


def test_a_replica_that_says_nothing_is_not_waited_for() -> None:
    silent = float(PATIENCE_S)
    outcome, why, _ = send(silent, "images", second_copy_after_s=0.01)
    assert (outcome, why) == ("images", {"slow": 1})


@pytest.mark.parametrize("second", [Lost("died"), refusal_of(QueueFull("full"))])
def test_a_second_copy_that_fails_leaves_the_first_one(second: object) -> None:
    outcome, _, num_sent = send(0.2, second, second_copy_after_s=0.01)
    assert (outcome, num_sent) == (0.2, 2)


def num_copies(
    *, num_tasks: int = 1, answer_after_s: float, second_after_s: float, may_wait: bool = False
) -> int:
    """How often is asked for tasks that are sent one after the other."""

    async def main() -> int:
        num_asked = 0

        async def ask() -> str:
            nonlocal num_asked
            num_asked += 1
            await asyncio.sleep(answer_after_s)
            return "images"

        sender = Sender("tiny", (Lost,), lambda reason: None, second_copy_after_s=second_after_s)
        for _ in range(num_tasks):
            await sender.send(ask, may_wait=may_wait)
        return num_asked

    return asyncio.run(main())


def test_who_may_wait_is_sent_no_second_copy() -> None:
    assert num_copies(answer_after_s=0.1, second_after_s=0.01) == 2
    assert num_copies(answer_after_s=0.1, second_after_s=0.01, may_wait=True) == 1


def test_a_task_that_is_lost_is_sent_again_though_others_have_all_second_copies() -> None:
    async def main() -> str:
        sender = Sender("tiny", (Lost,), lambda reason: None, second_copy_after_s=0.01)
        num_silent = 0

        async def silent() -> str:
            nonlocal num_silent
            num_silent += 1
            await asyncio.sleep(PATIENCE_S)
            return "nothing"

        others = [asyncio.create_task(sender.send(silent)) for _ in range(MAX_SECOND_COPIES)]
        while num_silent < 2 * MAX_SECOND_COPIES:
            await asyncio.sleep(0.01)
        outcomes = [Lost("died"), None]

        async def dies_late() -> str:
            outcome = outcomes.pop(0)
            if outcome is not None:
                await asyncio.sleep(0.1)
                raise outcome
            return "images"

        async with asyncio.timeout(PATIENCE_S / 2):
            answer = await sender.send(dies_late)
        for other in others:
            other.cancel()
        await asyncio.wait(others)
        return answer

    assert asyncio.run(main()) == "images"


def test_a_second_copy_that_has_ended_leaves_its_place() -> None:
    num_tasks = MAX_SECOND_COPIES + 1
    sent = num_copies(num_tasks=num_tasks, answer_after_s=0.03, second_after_s=0.001)
    assert sent == 2 * num_tasks


def test_all_copies_end_with_the_waiter() -> None:
    async def main() -> int:
        under_way = 0

        async def ask() -> str:
            nonlocal under_way
            under_way += 1
            try:
                await asyncio.sleep(PATIENCE_S)
            finally:
                under_way -= 1
            return "images"

        sender = Sender("tiny", (Lost,), lambda reason: None, second_copy_after_s=0.01)
        waiter = asyncio.create_task(sender.send(ask))
        while under_way < 2:
            await asyncio.sleep(0.01)
        waiter.cancel()
        await asyncio.wait({waiter})
        await asyncio.sleep(0)
        return under_way

    assert asyncio.run(main()) == 0


ERRORS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, GanServeError)
]
MAKE: dict[type, Callable[[], GanServeError]] = {
    errors.Unauthorized: lambda: errors.Unauthorized("a key is needed", challenge="Bearer"),
    errors.RateLimited: lambda: errors.RateLimited("too many", retry_after_s=3),
}


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_arrives_as_it_was(kind: type[GanServeError]) -> None:
    sent = MAKE.get(kind, lambda: kind("a detail"))()
    arrived = error_of(refusal_of(sent))
    assert type(arrived) is kind
    assert (arrived.detail, arrived.headers) == (sent.detail, sent.headers)


def test_an_error_of_a_replica_s_own_arrives_as_what_it_is_one_of() -> None:
    class NotHere(errors.ModelNotFound):
        pass

    assert type(error_of(refusal_of(NotHere("gone")))) is errors.ModelNotFound


def test_an_awaitable_is_all_that_a_handle_must_give() -> None:
    class Response(Awaitable[str]):
        def __await__(self) -> Generator[Any, None, str]:
            return asyncio.sleep(0, "images").__await__()

    async def main() -> str:
        answer: str = await Sender("tiny", (Lost,), lambda reason: None).send(Response)
        return answer

    assert asyncio.run(main()) == "images"
