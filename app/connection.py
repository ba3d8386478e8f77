"""Work that ends when its client leaves. Knows no route and no model."""

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive, Scope

from app.errors import GanServeError
from app.presence import presence_in

PATIENCE_S = 0.25
"""Most requests are answered sooner, and are spared the task that listens for the client."""


class ClientGone(Exception):
    """The client closed its connection; there is nobody to answer."""


class AnswerCutOff(Exception):
    """An answer cannot go on, and it is too late for another; why is in the log already."""

    def __init__(self, status: int) -> None:
        super().__init__(f"cut off with status {status}")
        self.status = status


class WhileConnected:
    """``async with WhileConnected(scope, receive):`` cancels the block once the client has left.

    The request's body must have been read before, if it matters.

    Raises:
        ClientGone: on leaving the block, in place of the cancellation.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._presence = presence_in(scope)
        self._receive = receive
        self._timer: asyncio.TimerHandle | None = None
        self._listener: asyncio.Task[None] | None = None
        self._is_gone = False

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("WhileConnected is for tasks: nothing else can be cancelled")
        self._task = task
        if self._presence is None:
            self._timer = asyncio.get_running_loop().call_later(PATIENCE_S, self._start_listening)
        elif self._presence.has_left:
            self._cancel()
        else:
            self._presence.watch(self._cancel)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._presence is not None:
            self._presence.unwatch(self._cancel)
        if self._timer is not None:
            self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()
        is_cancelled = self._is_gone and kind is asyncio.CancelledError
        if is_cancelled and self._task.uncancel() == 0:  # nobody else wants it cancelled
            raise ClientGone from error

    def _start_listening(self) -> None:
        self._listener = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        except GanServeError:  # a body that nobody asked for, and too large: the client is there
            return
        self._cancel()

    def _cancel(self) -> None:
        self._is_gone = True
        self._task.cancel()
