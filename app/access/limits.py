"""What a key may still do, and the header fields that tell it. Knows no key and no route.

The fields are those of the draft "RateLimit header fields for HTTP" of the IETF
(draft-ietf-httpapi-ratelimit-headers-10): lists of structured fields (RFC 9651).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.access.key_file import KeyEntry, KeyFileInvalid
from app.access.rate_limit import WINDOW_S, RateLimit
from app.errors import RateLimited


class Limits:
    """Those of one key in this process, of which there are ``num_processes``.

    Each process counts for itself and allows its part, rounded down, so that all of them together
    never allow more than the key has.
    """

    def __init__(
        self,
        entry: KeyEntry,
        *,
        num_processes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_concurrent = _part(entry, "max_concurrent", num_processes)
        self._num_running = 0
        self._rate: RateLimit | None = None
        burst = _part(entry, "requests_per_minute", num_processes)
        if burst is not None and entry.requests_per_minute is not None:
            per_minute = entry.requests_per_minute / num_processes
            self._rate = RateLimit(burst=burst, per_minute=per_minute, clock=clock)
        self._policy = self._describe_policy().encode()

    @contextmanager
    def one_request(self) -> Iterator[None]:
        """Count a request for as long as it runs; raises RateLimited where there is no room."""
        if self._max_concurrent is not None and self._num_running >= self._max_concurrent:
            raise RateLimited(
                f"{self._num_running:,} requests of this key are under way, "
                f"and at most {self._max_concurrent:,} may be at once",
                retry_after_s=1,
            )
        if self._rate is not None and not self._rate.take():
            raise RateLimited(
                f"this key has had its {self._rate.burst:,} requests a minute; "
                f"the next one is allowed in {self._rate.seconds_to_next} s",
                retry_after_s=self._rate.seconds_to_next,
            )
        self._num_running += 1
        try:
            yield
        finally:
            self._num_running -= 1

    def header_fields(self) -> list[tuple[bytes, bytes]]:
        """The limits, and what is left of them now."""
        left = []
        if self._rate is not None:
            left.append(f'"minute";r={self._rate.remaining};t={self._rate.seconds_to_next}')
        if self._max_concurrent is not None:
            left.append(f'"concurrent";r={self._max_concurrent - self._num_running}')
        return [
            (b"ratelimit-policy", self._policy),
            (b"ratelimit", ", ".join(left).encode()),
        ]

    def _describe_policy(self) -> str:
        policies = []
        if self._rate is not None:
            policies.append(f'"minute";q={self._rate.burst};w={WINDOW_S}')
        if self._max_concurrent is not None:
            policies.append(f'"concurrent";q={self._max_concurrent};qu="concurrent-requests"')
        return ", ".join(policies)


def limits_of(entry: KeyEntry, *, num_processes: int) -> Limits | None:
    """None for a key without limits."""
    if entry.requests_per_minute is None and entry.max_concurrent is None:
        return None
    return Limits(entry, num_processes=num_processes)


def _part(entry: KeyEntry, field: str, num_processes: int) -> int | None:
    """What of a limit one process may allow."""
    whole: int | None = getattr(entry, field)
    if whole is None:
        return None
    if whole < num_processes:
        raise KeyFileInvalid(
            f"{field} {whole} of key {entry.name!r} is less than workers {num_processes}: each "
            f"counts for itself and would allow none; {num_processes} or more would be right"
        )
    return whole // num_processes
