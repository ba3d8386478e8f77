"""What asking for API keys costs a request: the guard around an app that does nothing.

Run as ``python -m benchmarks.serving.access``; prints microseconds of CPU, the least of several
rounds, beside those of the app alone.
"""

import argparse
import asyncio
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.guard import guarded
from app.access.keygen import make_key
from app.access.keyring import Keyring

ROUNDS = 7
START: Message = {"type": "http.response.start", "status": 200, "headers": []}
BODY: Message = {"type": "http.response.body", "body": b"", "more_body": False}


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    await send(BODY)


def microseconds(app: ASGIApp, scope_of: Callable[[], Scope], *, requests: int) -> float:
    """CPU microseconds of one request, its scope included."""

    async def receive() -> Message:
        raise AssertionError("nobody reads a body here")

    async def send(message: Message) -> None:
        pass

    async def rounds() -> float:
        best = float("inf")
        for _ in range(ROUNDS):
            start = time.process_time()
            for _ in range(requests):
                await app(scope_of(), receive, send)
            best = min(best, time.process_time() - start)
        return best

    return 1e6 * asyncio.run(rounds()) / requests


def measure(*, num_keys: int, requests: int) -> dict[str, float]:
    """Microseconds by what is measured; a case's cost is its figure less that of the app alone."""
    limited = {"requests_per_minute": 1_000_000, "max_concurrent": 1000}
    made = [
        make_key(f"key-{number}", role="generate", **_limits(number, limited))
        for number in range(num_keys)
    ]
    keyring = Keyring([entry for _, entry in made], num_processes=1)

    def asking(key: str | None) -> Callable[[], Scope]:
        shown = [] if key is None else [(b"authorization", f"Bearer {key}".encode())]
        headers = [(b"host", b"x"), (b"accept", b"*/*"), (b"user-agent", b"x"), *shown]
        return lambda: {"type": "http", "path": "/generate", "headers": headers, "state": {}}

    behind = guarded(nothing, keyring)
    cases: dict[str, tuple[ASGIApp, str | None]] = {
        "the app alone": (nothing, None),
        "no keys configured": (guarded(nothing, None), None),
        "a key": (behind, made[0][0]),
        "a key with limits": (behind, made[-1][0]),
    }
    return {
        name: microseconds(app, asking(key), requests=requests)
        for name, (app, key) in cases.items()
    }


def _limits(number: int, limited: dict[str, int]) -> dict[str, int | None]:
    return {name: limit if number else None for name, limit in limited.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving.access", description=__doc__
    )
    parser.add_argument("--keys", type=int, default=10, help="in the file; 2 or more")
    parser.add_argument("--requests", type=int, default=20_000, help="in each round")
    options = parser.parse_args()
    for name, each in measure(num_keys=options.keys, requests=options.requests).items():
        print(f"{name:20} {each:6.2f} us")


if __name__ == "__main__":
    main()
