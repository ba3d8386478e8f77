"""What a core gives here: a run by its batch size, a request beside its images, bytes of an answer.

The machine may be shared: CPU time is measured, and the least of several repeats is taken, since
whoever else runs can only add to it.
"""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import numpy as np

from app.benching.bare import BareWork, png_of
from app.benching.http_clients import Address, HttpClients
from app.benching.load import put_under_load
from app.benching.server_process import HOST, cpu_seconds, server_process
from app.registry import LoadedModel, Registry
from app.settings import Settings
from contract import LABEL, LATENT, sample_latents

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
BATCH_SIZES = (1, 2, 4, 8, 16, 32)
CLIENTS = (1, 2, 4, 8, 32)
NUM_WEIGHED = 256


@dataclass(frozen=True)
class Cost:
    """CPU of the service, in milliseconds: a run costs ``run_ms + num_images * image_ms``."""

    run_ms: (
        float  # whatever its size: hand-over to a thread and back, and a fixed part of the model
    )
    image_ms: float  # a request of one image included


@dataclass(frozen=True)
class Answer:
    unchanged_ms: float  # CPU of a request that is answered 304, all in all
    head_bytes: int  # of an answer with an image


def open_models(*names: str) -> dict[str, LoadedModel]:
    registry = Registry.load(Settings(models=MODELS, device="cpu", num_threads=1))
    return {name: registry.resolve(name) for name in names}


def run_seconds(
    model: LoadedModel, num_images: int, *, repeats: int = 8, seconds: float = 0.15
) -> float:
    """Of one core: latents, one run, and the PNG file of each image, as a worker thread does it."""

    def run(first_seed: int) -> None:
        seeds = list(range(first_seed, first_seed + num_images))
        feed = {LATENT: sample_latents(seeds, model.card.latent_dim)}
        if model.card.is_conditional:
            feed[LABEL] = np.array(seeds) % model.card.num_classes
        images = model.session.run(feed)
        for i, seed in enumerate(seeds):
            png_of(model, images[i : i + 1], [seed])

    return _least(run, repeats=repeats, seconds=seconds)


def _least(work: Callable[[int], object], *, repeats: int, seconds: float) -> float:
    """CPU seconds of one piece of work, in the best of several repeats."""
    work(0)
    found = []
    for _ in range(repeats):
        count, start, stop = 0, time.process_time(), time.perf_counter() + seconds
        while not count or time.perf_counter() < stop:
            work(count)
            count += 1
        found.append((time.process_time() - start) / count)
    return min(found)


def file_bytes(model: LoadedModel) -> int:
    """Of a PNG with one image, the mean of many seeds."""
    draw = BareWork(model, batch_size=1)
    return round(float(np.mean([len(draw.answer(seed, 1)) for seed in range(NUM_WEIGHED)])))


@contextmanager
def on_one_core(number: int) -> Iterator[None]:
    """This process, and those that it starts meanwhile; the last core is -1."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(before)[number]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def service_cost(model: LoadedModel, *, repeats: int = 3, seconds: float = 1.0) -> Cost:
    """Of a server on one core with one run at a time, its clients on the other.

    The more clients, the fewer runs an image: a straight line through the least CPU time of each.
    """
    with server_on_one_core() as (pid, port):
        clients = HttpClients(Address("http", HOST, port), model=model.name)

        def spent(num_clients: int) -> tuple[float, float]:
            """Seconds of CPU an image, and runs an image."""
            before, cpu = Runs.of(port, model), cpu_seconds(pid)
            asyncio.run(
                put_under_load(lambda: clients.connect(1), num_clients=num_clients, seconds=seconds)
            )
            runs = Runs.of(port, model) - before
            return (cpu_seconds(pid) - cpu) / runs.num_images, runs.num_runs / runs.num_images

        spent(max(CLIENTS))
        seconds_an_image, runs_an_image = zip(
            *(min(spent(num) for _ in range(repeats)) for num in CLIENTS), strict=True
        )
        run_s, image_s = straight_line(runs_an_image, seconds_an_image)
        return Cost(round(1000 * run_s, 4), round(1000 * image_s, 4))


def straight_line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Slope and height at 0, by least squares; the least of those where all ``x`` are the same."""
    columns = np.stack([np.array(x), np.ones(len(x))], axis=1)
    (slope, height), *_ = np.linalg.lstsq(columns, np.array(y), rcond=None)
    return float(slope), float(height)


def answer_cost(model: LoadedModel, *, repeats: int = 3, seconds: float = 1.0) -> Answer:
    with server_on_one_core() as (pid, port):
        unchanged = min(_unchanged(pid, port, model, seconds) for _ in range(repeats))
        return Answer(round(1000 * unchanged, 4), _head_bytes(port, model))


@contextmanager
def server_on_one_core() -> Iterator[tuple[int, int]]:
    """Its process and port; this process is on another core meanwhile, if there are two."""
    settings = Settings(models=MODELS, device="cpu")
    with ExitStack() as until_ready, ExitStack() as stack:
        until_ready.enter_context(on_one_core(0))
        until_ready.enter_context(variable("GANSERVE_KEEP_ALIVE_TIMEOUT_S", "3600"))
        server, port = stack.enter_context(server_process(settings))
        until_ready.close()
        stack.enter_context(on_one_core(-1))
        yield server.pid, port


@contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    """In the environment of processes that are started meanwhile."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


@dataclass(frozen=True)
class Runs:
    num_runs: int
    num_images: int

    def __sub__(self, before: "Runs") -> "Runs":
        return Runs(self.num_runs - before.num_runs, self.num_images - before.num_images)

    @classmethod
    def of(cls, port: int, model: LoadedModel) -> "Runs":
        """What a server says of a model so far."""
        with closing(HTTPConnection(HOST, port)) as connection:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        found = [
            sum(float(line.rpartition(" ")[2]) for line in text.splitlines()
                if line.startswith(f'ganserve_batch_size_images_{end}{{model="{model.name}"'))
            for end in ("count", "sum")
        ]  # fmt: skip
        return cls(int(found[0]), int(found[1]))


def _unchanged(pid: int, port: int, model: LoadedModel, seconds: float) -> float:
    """CPU seconds of the server for a request that it answers with 304."""
    with closing(HTTPConnection(HOST, port)) as connection:
        cpu, count, stop = cpu_seconds(pid), 0, time.perf_counter() + seconds
        while not count or time.perf_counter() < stop:
            url = f"/generate?model={model.name}&seed={count}"
            connection.request("GET", url, headers={"If-None-Match": "*"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 304  # noqa: S101  # or it is no such cost
            count += 1
        return (cpu_seconds(pid) - cpu) / count


def _head_bytes(port: int, model: LoadedModel) -> int:
    with socket.create_connection((HOST, port)) as connection:
        request = f"GET /generate?model={model.name}&seed=1 HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
        connection.sendall(request.encode())
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(65_536)
        return received.index(b"\r\n\r\n") + 4
