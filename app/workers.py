"""Several server processes: one that watches, the others that serve. Knows no socket's address."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait

from fastapi import FastAPI
from uvicorn.supervisors.multiprocess import Multiprocess

from app.departure import let_nobody_in
from app.heap import settle_heap
from app.logs import configure_logs
from app.main import create_app
from app.reload_triggers import hold_signal_back, let_signal_come
from app.settings import Settings


class Supervisor(Multiprocess):
    """Stops listening when it ends its workers.

    As long as one process holds the listening socket open, the system goes on taking connections
    for it, which nobody would answer any more. Its workers accept who is in the queue.

    A worker is started with SIGHUP held back, which would end it: it lets it come once it serves.
    """

    def init_processes(self) -> None:
        hold_signal_back()
        super().init_processes()
        self._let_go_of_their_ends()
        let_signal_come()

    def keep_subprocess_alive(self) -> None:
        hold_signal_back()
        super().keep_subprocess_alive()
        self._let_go_of_their_ends()
        let_signal_come()

    def _let_go_of_their_ends(self) -> None:
        """Of the pipes, so that one which dies while it is asked is noticed at once."""
        for process in self.processes:
            process.child_conn.close()

    def terminate_all(self) -> None:
        super().terminate_all()
        for listener in self.sockets:
            let_nobody_in(listener)
            listener.close()

    def handle_hup(self) -> None:
        """Have every worker look at the models again; none is restarted."""
        for process in self.processes:
            if process.pid is not None:
                os.kill(process.pid, signal.SIGHUP)


def create_app_from_environment() -> FastAPI:
    """What each worker process calls."""
    settings = Settings()
    configure_logs(settings)
    _leave_with_the_supervisor()
    app = create_app(settings)
    settle_heap()
    return app


def _leave_with_the_supervisor() -> None:
    """Shut this worker down once its supervisor is gone, even if it was killed."""
    supervisor = multiprocessing.parent_process()
    if supervisor is None:
        return
    sentinel = supervisor.sentinel

    def watch() -> None:
        wait([sentinel])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()
