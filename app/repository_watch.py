"""Notices that the model repository has changed. Knows no model.

Looks at names, sizes and times of the files; a change counts once two looks saw the same, so that
a file that is being copied is left alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from app.errors import ReloadRefused
from app.repository import MODEL_FILE, SUMS_FILE

log = structlog.get_logger(__name__)

Look = frozenset[tuple[str, int, int, int]]


async def watch(
    models: Path, every_s: float, reload: Callable[[], Awaitable[object]], *, before: Look
) -> None:
    """Call ``reload`` after each change of the folder, for ever.

    ``before`` is a look from before the models that are served were loaded.
    """
    done = previous = before
    while True:
        await asyncio.sleep(every_s)
        now = await asyncio.to_thread(look_at, models)
        if now == previous and now != done:
            done = now  # also where it is refused: until the next change nothing is better
            try:
                await reload()
            except ReloadRefused:
                log.debug("left_as_it_is")
        previous = now


def look_at(models: Path) -> Look:
    """What the files are; two equal looks, and nothing has changed between them."""
    found = []
    for path in [*models.glob(f"*/*/{MODEL_FILE}"), models / SUMS_FILE]:
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append((str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino))
    return frozenset(found)
