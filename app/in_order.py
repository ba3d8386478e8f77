"""Work in several threads, its results in order, a few of them ahead. Knows no work."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def in_order(
    threads: ThreadPoolExecutor,
    function: Callable[[*Ts], T],
    arguments: Iterable[tuple[*Ts]],
    *,
    num_ahead: int,
) -> Iterator[T]:
    """What ``function`` gives for each of the arguments; at most ``num_ahead`` wait to be taken.

    An error is raised where its result would have come; what waits for a thread is then never run.
    """
    ahead: deque[Future[T]] = deque()
    try:
        for each in arguments:
            ahead.append(threads.submit(function, *each))
            if len(ahead) > num_ahead:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()
