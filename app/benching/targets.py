"""What can be measured: a server of our own, a service that runs already, the engine alone."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from app.asked_model import load_asked
from app.benching.bare import BareWork, png_of
from app.benching.http_clients import Address, HttpClients, read_key
from app.benching.load import Ask
from app.benching.server_process import HOST, PATIENCE_S, cpu_seconds, server_process
from app.engine import Engine
from app.metrics import Metrics
from app.registry import LoadedModel, Registry
from app.settings import Settings
from contract import image_seeds


@dataclass(frozen=True)
class Target:
    """``connect`` takes the number of images in a request."""

    title: str
    connect: Callable[[int], AbstractAsyncContextManager[Ask]]
    cpu_seconds: Callable[[], float] | None = None  # None: not ours to see
    bare: BareWork | None = None  # the same work without the service; None: not here


@asynccontextmanager
async def own_server(settings: Settings, model: str | None) -> AsyncIterator[Target]:
    """A process of its own."""
    chosen = _choose(load_asked(settings, model), model)
    with server_process(settings) as (server, port):
        reference = f"{chosen.name}/{chosen.version}"
        clients = HttpClients(Address("http", HOST, port), model=reference)
        yield Target(
            f"{_describe(chosen)}; a server of its own",
            clients.connect,
            lambda: cpu_seconds(server.pid),
            _bare(chosen, settings),
        )


@asynccontextmanager
async def running_service(
    url: str, model: str | None, key_file: Path | None
) -> AsyncIterator[Target]:
    """Whatever answers there; its CPU time is not known here."""
    key = None if key_file is None else read_key(key_file)
    clients = HttpClients(Address.parse(url), model=model, key=key)
    yield Target(f"{model or 'the default model'} of {url}", clients.connect)


@asynccontextmanager
async def own_engine(settings: Settings, model: str | None) -> AsyncIterator[Target]:
    """Without HTTP: the engine in this process, and the PNG."""
    registry = load_asked(settings, model)
    chosen = _choose(registry, model)
    patient = settings.model_copy(update={"max_queue_wait_s": PATIENCE_S})
    engine = Engine.here(registry, patient, Metrics())

    @asynccontextmanager
    async def connect(num_images: int) -> AsyncIterator[Ask]:
        async def ask(seed: int) -> None:
            generated = await engine.generator(chosen).generate(seed=seed, num_images=num_images)
            png_of(chosen, generated.images, image_seeds(seed, num_images))

        yield ask

    try:
        yield Target(
            f"{_describe(chosen)}; the engine in this process, clients included",
            connect,
            time.process_time,
            _bare(chosen, settings),
        )
    finally:
        await engine.close()
        registry.close()


def _choose(registry: Registry, model: str | None) -> LoadedModel:
    return registry.default_generator() if model is None else registry.resolve(model)


def _describe(model: LoadedModel) -> str:
    card = model.card
    size = f"{card.height}x{card.width}x{card.channels}"
    return f"{model.name}/{model.version} ({size}, {card.system}), {model.execution_provider}"


def _bare(model: LoadedModel, settings: Settings) -> BareWork:
    return BareWork(model, batch_size=settings.exact_batch_size or settings.max_batch_size)
