"""Answers requests that a full queue would refuse, before the app sees them. Knows no queue."""

from collections.abc import Sequence
from typing import Any, Protocol

import httptools

from app.errors import GanServeError
from app.http_protocol.patient import PatientProtocol
from app.http_protocol.plain_answers import plain_answer


class Doorkeeper(Protocol):
    @property
    def is_on_duty(self) -> bool:
        """Whether requests may have to be sent away now."""

    def refusal(
        self, method: str, target: str, fields: Sequence[tuple[bytes, bytes]], body: bytes
    ) -> tuple[GanServeError, str] | None:
        """Why a request is sent away, and its id; None: the app shall answer it."""


class CrowdedProtocol(PatientProtocol):
    """Holds a request back until all of it is there, and shows it to the doorkeeper.

    One whose body comes later is not waited for: the app reads it, as it does where no doorkeeper
    is on duty. Of requests that come in one piece only one is sent away here, and none before the
    answers of earlier ones are on their way: the others wait their turn, as they do for the app.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._doorkeeper: Doorkeeper | None = self.app_state.get("doorkeeper")
        self._held: bytearray | None = None  # the body so far of a request that is held back
        self._has_sent_away = False  # somebody, of what was received last

    def data_received(self, data: bytes) -> None:
        self._has_sent_away = False
        super().data_received(data)
        if self._held is not None:
            try:
                self._let_in()
            except httptools.HttpParserError:  # the URL is none; within the parser it tells so
                self.send_400_response("Invalid HTTP request received.")

    def on_headers_complete(self) -> None:
        if self._may_be_sent_away():
            self._held = bytearray()
        else:
            self._unset_keepalive_if_required()  # of somebody sent away before, in the same piece
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
        else:
            self._held += body

    def on_message_complete(self) -> None:
        if self._held is not None:
            if self._is_sent_away(bytes(self._held)):
                self._held = None
                return
            self._let_in()
        super().on_message_complete()

    def _may_be_sent_away(self) -> bool:
        """Whether somebody asks who can be answered at once, and once more on this connection."""
        return (
            self._doorkeeper is not None
            and self._doorkeeper.is_on_duty
            and not self._has_sent_away
            and not self.flow.write_paused
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not self._departure.has_begun
            and "refusal" not in self.scope["state"]
            and self.parser.get_http_version() == "1.1"
            and not self.parser.should_upgrade()
            and self.parser.should_keep_alive()
        )

    def _is_sent_away(self, body: bytes) -> bool:
        if self._doorkeeper is None:
            return False
        method, target = self.parser.get_method().decode("ascii"), self.url.decode("latin-1")
        refusal = self._doorkeeper.refusal(method, target, self.headers, body)
        if refusal is None:
            return False
        error, request_id = refusal
        fields = {
            name.decode(): value.decode() for name, value in self.server_state.default_headers
        }
        fields |= {"X-Request-Id": request_id, "X-Content-Type-Options": "nosniff"}
        self.transport.write(plain_answer(error, request_id=request_id, fields=fields))
        self._has_sent_away = True
        self.on_response_complete()
        return True

    def _let_in(self) -> None:
        body, self._held = self._held, None
        self._unset_keepalive_if_required()
        super().on_headers_complete()
        if body:
            super().on_body(bytes(body))
