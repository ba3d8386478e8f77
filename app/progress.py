"""A line that counts up for a person who waits, with rate and time left. Knows no work."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WIDTH = 30  # characters of the bar
INTERVAL_S = 0.1  # between two looks: a person sees no more


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[int], None]]:
    """Give a function to call with the number done so far; quiet where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda num_done: None
        return
    started = shown = time.monotonic()
    num_before: int | None = None  # done before this began; the rate is of the others
    is_shown = False

    def show(num_done: int) -> None:
        nonlocal shown, num_before, is_shown
        num_before = num_done if num_before is None else num_before
        now = time.monotonic()
        if now - shown >= INTERVAL_S or num_done == total:
            shown, is_shown = now, True
            line = progress_line(
                num_done, total, num_new=num_done - num_before, took_s=now - started
            )
            sys.stderr.write(f"\r{line}\x1b[K")
            sys.stderr.flush()

    try:
        yield show
    finally:
        if is_shown:
            sys.stderr.write("\n")


def progress_line(num_done: int, total: int, *, num_new: int, took_s: float) -> str:
    """``num_new`` of those that are done took ``took_s``."""
    full = WIDTH * num_done // max(1, total)
    line = f"[{'#' * full}{'.' * (WIDTH - full)}] {num_done:,} of {total:,}"
    if num_new <= 0 or took_s <= 0:
        return line
    rate = num_new / took_s
    seconds_left = round((total - num_done) / rate)
    minutes, seconds = divmod(seconds_left, 60)
    hours, minutes = divmod(minutes, 60)
    left = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
    return f"{line}, {rate:,.0f}/s, {left} left"
