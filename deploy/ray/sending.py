"""A task to an answer, whatever replica gives it: sent again where one dies. Knows no Ray.

Equal tasks have equal answers, so a task may be sent twice, and the first answer is the answer.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

from app.errors import NotReady
from deploy.ray.messages import Refusal, error_of

MAX_LOSSES = 4
"""So many replicas may die with a task before it is given up: it may be what kills them."""

SECOND_COPY_AFTER_S = 2.0
"""A machine that has lost its power does not say so. Who waits longer asks again, too."""

MAX_SECOND_COPIES = 8
"""At once, of one model: where all is slow, second copies must not double the load."""

_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.5

T = TypeVar("T")
_Copies = set[asyncio.Future[T | Refusal]]
Lost = type[BaseException] | tuple[type[BaseException], ...]

log = structlog.get_logger(__name__)


class Sender:
    """Sends the tasks of one model."""

    def __init__(
        self,
        model: str,
        lost: Lost,
        on_sent_again: Callable[[str], object],
        *,
        second_copy_after_s: float = SECOND_COPY_AFTER_S,
    ) -> None:
        """``lost`` are the errors that say that a replica died; ``on_sent_again`` hears why."""
        self._model, self._lost, self._on_sent_again = model, lost, on_sent_again
        self._second_copy_after_s = second_copy_after_s
        self._num_second_copies = 0

    async def send(self, ask: Callable[[], Awaitable[T | Refusal]], *, may_wait: bool = False) -> T:
        """What ``ask`` gives, asked as often as need be; the caller sets the deadline.

        Who ``may_wait`` is made to, and is sent no second copy of.

        Raises:
            GanServeError: what a replica refused with, but where another one may do better.
            NotReady: ``MAX_LOSSES`` replicas died while they had the task.
        """
        num_losses, pause_s = 0, _FIRST_PAUSE_S
        while True:
            try:
                answer = await self._ask(ask, may_wait=may_wait)
            except self._lost as error:
                num_losses += 1
                log.warning("replica_lost", model=self._model, reason=str(error).splitlines()[:1])
                if num_losses >= MAX_LOSSES:
                    raise NotReady(
                        f"{num_losses} replicas of model {self._model!r} were lost with this "
                        "request; it is not sent again"
                    ) from error
                self._on_sent_again("lost")
            else:
                if not isinstance(answer, Refusal):
                    return answer
                if not answer.elsewhere:
                    raise error_of(answer)
                self._on_sent_again("refused")
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311  # no secret
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _ask(
        self, ask: Callable[[], Awaitable[T | Refusal]], *, may_wait: bool
    ) -> T | Refusal:
        copies: _Copies[T] = {asyncio.ensure_future(ask())}
        try:
            after_s = None if may_wait else self._second_copy_after_s
            done, _ = await asyncio.wait(copies, timeout=after_s)
            if not done and self._num_second_copies < MAX_SECOND_COPIES:
                copies.add(self._second(ask))
            return await _first_good(copies)
        finally:
            for copy in copies:
                if not copy.done():
                    copy.cancel()
                    copy.add_done_callback(_forget)

    def _second(self, ask: Callable[[], Awaitable[T | Refusal]]) -> asyncio.Future[T | Refusal]:
        self._on_sent_again("slow")
        self._num_second_copies += 1
        copy = asyncio.ensure_future(ask())
        copy.add_done_callback(self._second_is_done)
        return copy

    def _second_is_done(self, copy: asyncio.Future[Any]) -> None:
        self._num_second_copies -= 1


async def _first_good(copies: _Copies[T]) -> T | Refusal:
    """The first answer; a copy that is lost or refused counts only where it is the last."""
    pending = set(copies)
    while True:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for copy in done:
            if _is_good(copy):
                return copy.result()
        if not pending:
            return done.pop().result()


def _is_good(copy: asyncio.Future[Any]) -> bool:
    return copy.exception() is None and not isinstance(copy.result(), Refusal)


def _forget(copy: asyncio.Future[Any]) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        copy.exception()  # nobody else will ask for it
