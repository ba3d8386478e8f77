"""Single requests at a steady rate, beside anything else; waits as a client sees them.

In Python, unlike the other load generators: at a rate this low it takes a few per cent of a core.
"""

import http.client
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HOST = "127.0.0.1"
NUM_CONNECTIONS = 8  # so that a slow answer holds up no other request


@dataclass
class Steady:
    """Seconds from the time at which a request was due to the end of its answer."""

    waits_s: list[float] = field(default_factory=list)
    num_failed: int = 0

    def quantile_ms(self, quantile: float) -> float:
        ordered = sorted(self.waits_s)
        return 1000 * ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]


@contextmanager
def steady_requests(port: int, path: str, *, rate: float) -> Iterator[Steady]:
    """GET ``path`` about ``rate`` times a second, at random times, until the block is left."""
    found, is_over, lock = Steady(), threading.Event(), threading.Lock()

    def ask(number: int) -> None:
        times = random.Random(number)  # noqa: S311  # times of requests, no secrets
        connection = http.client.HTTPConnection(HOST, port, timeout=60)
        due = time.perf_counter()
        while True:
            due += times.expovariate(rate / NUM_CONNECTIONS)
            if is_over.wait(max(0.0, due - time.perf_counter())):
                break
            is_good = False
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
                is_good = response.status == 200
            except (OSError, http.client.HTTPException):
                connection.close()
            with lock:
                found.waits_s.append(time.perf_counter() - due)
                found.num_failed += not is_good
        connection.close()

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(NUM_CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
