"""What makes a process look at the models again without a request: SIGHUP, and the folder itself.

Knows no route.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from app.errors import ReloadRefused
from app.reloading import Reloader
from app.repository_watch import Look, watch
from app.settings import Settings


@contextmanager
def reloading(
    reloader: Reloader, settings: Settings, *, before: Look, on_signal: Callable[[], None]
) -> Iterator[None]:
    """Reload on SIGHUP, and where the settings say so when the folder changes.

    ``before`` is what the folder looked like before its models were loaded; ``on_signal`` is called
    at each SIGHUP: for what else is read again.
    """
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def start() -> None:
        on_signal()
        tasks.add(loop.create_task(_reload(reloader)))

    if settings.watch_models_s is not None:
        watching = watch(settings.models, settings.watch_models_s, reloader.reload, before=before)
        tasks.add(loop.create_task(watching))
    is_signalled = _may_take_the_signal()
    if is_signalled:
        loop.add_signal_handler(signal.SIGHUP, start)
        let_signal_come()
    try:
        yield
    finally:
        if is_signalled:
            hold_signal_back()
            loop.remove_signal_handler(signal.SIGHUP)
        for task in tasks:
            task.cancel()


def hold_early_signal_back() -> None:
    """SIGHUP ends no process that has not begun to serve, and is not forgotten: it comes then."""
    if _may_take_the_signal():
        hold_signal_back()


def hold_signal_back() -> None:
    """From this thread, and from the processes that it starts, until they let it come."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def let_signal_come() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def tell_other_workers() -> None:
    """Have the supervisor, if there is one, send SIGHUP to all its workers."""
    supervisor = multiprocessing.parent_process()
    if supervisor is not None and supervisor.pid is not None:
        os.kill(supervisor.pid, signal.SIGHUP)


async def _reload(reloader: Reloader) -> None:
    with suppress(ReloadRefused):  # it is in the log
        await reloader.reload()


def _may_take_the_signal() -> bool:
    """Not inside another program, and not at a terminal, whose closing must end the service."""
    return threading.current_thread() is threading.main_thread() and not _has_a_terminal()


def _has_a_terminal() -> bool:
    if multiprocessing.parent_process() is not None:
        return False  # the supervisor has one or not, and ends its workers
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
