"""Takes its leave from clients with patience. Knows no limit."""

import asyncio
from functools import partial
from typing import Any

from app.departure import Departure, let_in
from app.http_protocol.noticing import NoticingProtocol
from app.reading_first import call_when_all_is_read

FAREWELL_S = 0.5
"""So long does an idle connection stay open at shutdown: a request may be on its way."""


class PatientProtocol(NoticingProtocol):
    """Closes no connection under a request that has been sent and not been read yet.

    uvicorn closes what looks idle as soon as it stops listening, or as its time is over; the client
    of a request that arrives in this moment would see its connection reset, and could not know
    whether it was served.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._departure: Departure = self.app_state.get("departure") or Departure()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if self._departure.has_begun:
            let_in(transport.get_extra_info("socket"))
        super().connection_made(transport)

    def shutdown(self) -> None:
        self._departure.has_begun = True  # also where no signal has said so
        if self.cycle is None or self.cycle.response_complete:
            call_when_all_is_read(self.loop, FAREWELL_S, super().shutdown)
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        call_when_all_is_read(
            self.loop, 0, partial(self._close_if_idle, since=self.timeout_keep_alive_task)
        )

    def _close_if_idle(self, *, since: asyncio.TimerHandle | None) -> None:
        if self.timeout_keep_alive_task is since:  # whatever arrives takes it away
            super().timeout_keep_alive_handler()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self._departure.has_begun and self.cycle is not None:
            self.cycle.keep_alive = False  # the answer asks the client to close

    def _unsupported_upgrade_warning(self) -> None:
        """Any client may ask for another protocol, and is answered in this one: no warning."""
