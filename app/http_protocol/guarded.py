"""Bounds what a connection may take: bytes of a head, time, memory, number. Knows no route.

uvicorn and its parser have no such bounds of their own: a head of any length is kept, one that
never ends is waited for, and so is a client that does not read its answer.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.errors import GanServeError, HeadTooLarge, QueueFull, RequestTimeout, UrlTooLong
from app.http_protocol.crowded import CrowdedProtocol
from app.http_protocol.plain_answers import plain_answer
from app.metrics import Metrics
from app.reading_first import call_when_all_is_read

LEAST_SENT_BYTES = 16_384
"""So much must a client read within ``send_timeout_s``, where there is as much to read."""

MOST_FRAMING = 8
"""Bytes around each byte of a body: chunks of one byte each have five."""


@dataclass(frozen=True)
class ConnectionLimits:
    max_connections: int
    max_head_bytes: int
    max_head_fields: int
    max_url_bytes: int
    head_timeout_s: float
    send_timeout_s: float


class GuardedProtocol(CrowdedProtocol):
    """Cuts off who sends too much, too slowly, or does not read.

    A request costs a few comparisons: no timer is started for a head that comes in one piece, nor
    for an answer that the system's buffers take at once.
    """

    def __init__(self, *args: Any, limits: ConnectionLimits, **options: Any) -> None:
        super().__init__(*args, **options)
        self._limits = limits
        self._metrics: Metrics | None = self.app_state.get("metrics")
        self._is_in_head = False
        self._is_one_too_many = False
        self._chunk_bytes = 0  # of what was received last
        self._first_bytes = 0  # of the chunk in which the message began
        self._num_bytes = 0  # received after that chunk, and after the one in which the head ended
        self._num_body_bytes = 0
        self._arrival_timer: asyncio.TimerHandle | None = None
        self._sending_timer: asyncio.TimerHandle | None = None
        self._num_unsent_bytes = 0  # when that timer was started

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._metrics is not None:
            self._metrics.connections.inc()
        num_connections = len(self.connections)
        self._is_one_too_many = num_connections > self._limits.max_connections
        if num_connections > 2 * self._limits.max_connections:  # not even worth an answer
            self._cut_off("too many")
        self._watch_arrival()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._arrival_timer, self._sending_timer):
            if timer is not None:
                timer.cancel()
        self._arrival_timer = self._sending_timer = None
        if self._metrics is not None:
            self._metrics.connections.dec()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_one_too_many:
            most = self._limits.max_connections
            self._cut_off("too many", QueueFull(f"more than {most:,} connections are open"))
            return
        self._chunk_bytes = len(data)
        super().data_received(data)
        self._num_bytes += len(data)
        if self._is_in_head:
            if self._num_bytes > self._limits.max_head_bytes:
                self._cut_off("too large", self._head_too_large())
        elif self._has_too_much_framing():
            self._cut_off("too large")
        self._watch_arrival()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        self._first_bytes = self._chunk_bytes
        self._num_bytes = -self._chunk_bytes  # it will be added, and may be of the message before
        self._num_body_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:  # what comes after a body (trailers) is no header of the request
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        refusal = self._refusal()
        if refusal is not None:
            self.scope["state"]["refusal"] = refusal  # answered by RequestContext
        self._num_bytes = -self._chunk_bytes  # the head frames no body
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._num_body_bytes += len(body)
        super().on_body(body)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_arrival()
        if self.transport.get_write_buffer_size():
            self._watch_sending()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_sending()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._sending_timer is not None:
            self._sending_timer.cancel()
            self._sending_timer = None

    def _refusal(self) -> GanServeError | None:
        limits = self._limits
        if len(self.url) > limits.max_url_bytes:
            return UrlTooLong(
                f"the URL has {len(self.url):,} bytes; "
                f"at most {limits.max_url_bytes:,} would be right (the setting max_url_bytes)"
            )
        if len(self.headers) > limits.max_head_fields:
            return HeadTooLarge(
                f"the request has {len(self.headers):,} header fields; "
                f"at most {limits.max_head_fields:,} would be right (the setting max_head_fields)"
            )
        most_bytes = self._first_bytes + self._num_bytes + self._chunk_bytes
        if most_bytes > limits.max_head_bytes and self._head_bytes() > limits.max_head_bytes:
            return self._head_too_large()
        return None

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _head_too_large(self) -> HeadTooLarge:
        most = self._limits.max_head_bytes
        return HeadTooLarge(
            f"the head of the request has more than {most:,} bytes; "
            "at most that many would be right (the setting max_head_bytes)"
        )

    def _has_too_much_framing(self) -> bool:
        """Whether what surrounds the body (sizes of chunks, trailers) is out of proportion."""
        framing = self._num_bytes - self._num_body_bytes
        return framing > self._limits.max_head_bytes + MOST_FRAMING * self._num_body_bytes

    def _watch_arrival(self) -> None:
        """Have a timer run exactly while the client owes bytes that nobody else waits for."""
        is_answered = self.cycle is None or self.cycle.response_complete
        is_owed = self._is_in_head or (is_answered and self.timeout_keep_alive_task is None)
        if is_owed and self._arrival_timer is None and not self.transport.is_closing():
            timeout_s = self._limits.head_timeout_s
            self._arrival_timer = self.loop.call_later(timeout_s, self._on_late_arrival)
        elif not is_owed and self._arrival_timer is not None:
            self._arrival_timer.cancel()
            self._arrival_timer = None

    def _on_late_arrival(self) -> None:
        expired = partial(self._cut_off_if_late, self._arrival_timer)
        call_when_all_is_read(self.loop, 0, expired)

    def _cut_off_if_late(self, timer: asyncio.TimerHandle | None) -> None:
        if timer is not self._arrival_timer or self.transport.is_closing():
            return  # it had arrived, and was not read yet
        self._arrival_timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._watch_arrival()  # of the request before; its answer must come first
            return
        late = RequestTimeout(
            f"the head of the request did not arrive within {self._limits.head_timeout_s:g} s "
            "(the setting head_timeout_s)"
        )
        self._cut_off("late", late if self._is_in_head else None)

    def _watch_sending(self) -> None:
        if self._sending_timer is None:
            self._num_unsent_bytes = self.transport.get_write_buffer_size()
            timeout_s = self._limits.send_timeout_s
            self._sending_timer = self.loop.call_later(timeout_s, self._look_what_was_sent)

    def _look_what_was_sent(self) -> None:
        expired = partial(self._cut_off_if_unread, self._sending_timer)
        call_when_all_is_read(self.loop, 0, expired)

    def _cut_off_if_unread(self, timer: asyncio.TimerHandle | None) -> None:
        if timer is not self._sending_timer:
            return  # the client had read, and the rest could be written meanwhile
        self._sending_timer = None
        num_bytes = self.transport.get_write_buffer_size()
        if num_bytes and self._num_unsent_bytes - num_bytes < LEAST_SENT_BYTES:
            self._cut_off("unread")
        elif num_bytes:
            self._watch_sending()

    def _cut_off(self, reason: str, error: GanServeError | None = None) -> None:
        """End the connection, with an answer where one can still be read in its place."""
        if self._metrics is not None:
            self._metrics.connections_cut_off.labels(reason).inc()
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if error is None or is_answering:
            self.transport.abort()
        else:
            self.transport.write(plain_answer(error))
            self.transport.close()
