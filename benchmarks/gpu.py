"""python -m benchmarks.gpu: proves the service on a GPU: execution provider, parity, throughput.

One call, nothing but the device and the models of the repository. For every model: is CUDA really
active, are the pixels those of the CPU to one grey level, are they the same bytes at every place of
a batch. Then images a second in process, and over HTTP. Prints Markdown; ends with 1 if anything
does not hold. ``--device cpu`` rehearses it.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.benching.http_clients import Address, HttpClients
from app.benching.load import Load, put_under_load
from app.benching.server_process import HOST, cpu_seconds, server_process
from app.devices import EXECUTION_PROVIDERS
from app.loading import LoadedModel
from app.registry import Registry
from app.settings import Settings
from contract import LABEL, LATENT, SOURCE, sample_latents

ROOT = Path(__file__).resolve().parents[1]
BATCH_SIZES = (1, 2, 8, 32, 128)
CONNECTIONS = (1, 8, 32, 64, 128)
NUM_COMPARED = 64
MAX_DIFFERENCE = 1  # grey levels
NUM_PLACES = 8  # of one seed in batches of as many

Feed = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Proof:
    """What was found of one model."""

    name: str
    provider: str
    difference: int  # grey levels, worst byte
    share_apart: float  # of bytes
    is_same_everywhere: bool  # at each place of a batch, and again
    is_quantised: bool

    def holds(self, provider: str) -> bool:
        """A quantised model multiplies bytes on the CPU and may multiply floats on the GPU."""
        is_near = self.is_quantised or self.difference <= MAX_DIFFERENCE
        return self.provider == provider and is_near and self.is_same_everywhere


def prove(model: LoadedModel, on_cpu: LoadedModel) -> Proof:
    """Compare a model's images with those of the same file on the CPU."""
    batches = [_feed(model, range(i, i + NUM_PLACES)) for i in range(0, NUM_COMPARED, NUM_PLACES)]
    found = np.concatenate([model.session.run(each) for each in batches]).astype(int)
    expected = np.concatenate([on_cpu.session.run(each) for each in batches]).astype(int)
    apart = np.abs(found - expected)
    return Proof(
        name=f"{model.name}/{model.version}",
        provider=model.execution_provider,
        difference=int(apart.max()),
        share_apart=float((apart > 0).mean()),
        is_same_everywhere=_is_same_everywhere(model),
        is_quantised=model.card.parent is not None,
    )


def images_per_second(model: LoadedModel, batch_size: int, seconds: float) -> float:
    """Latents and runs in one thread; encoding is left out."""
    model.session.run(_feed(model, range(batch_size)))
    num_images, started = 0, time.perf_counter()
    while time.perf_counter() < started + seconds:
        seeds = range(num_images, num_images + batch_size)
        model.session.run(_feed(model, seeds))
        num_images += batch_size
    return num_images / (time.perf_counter() - started)


def requests_per_second(
    settings: Settings, model: LoadedModel, seconds: float
) -> Iterator[tuple[int, float, float]]:
    """Connections, single images a second over HTTP, server CPU-ms an image."""
    with server_process(settings) as (server, port):
        reference = f"{model.name}/{model.version}"
        clients = HttpClients(Address("http", HOST, port), model=reference)

        def load(connections: int, seconds: float) -> Load:
            return asyncio.run(
                put_under_load(lambda: clients.connect(1), num_clients=connections, seconds=seconds)
            )

        for connections in CONNECTIONS:
            load(connections, seconds / 2)
            before = cpu_seconds(server.pid)
            found = load(connections, seconds)
            cost = 1000 * (cpu_seconds(server.pid) - before) / found.num_requests
            yield connections, found.num_requests / found.wall_seconds, cost


def _feed(model: LoadedModel, seeds: Sequence[int]) -> Feed:
    card = model.card
    if card.kind == "translator":
        shape = (card.height, card.width, card.source_channels)
        draw = [np.random.default_rng(seed).integers(256, size=shape) for seed in seeds]
        return {SOURCE: np.stack(draw).astype(np.uint8)}
    feed: Feed = {LATENT: sample_latents(seeds, card.latent_dim)}
    if card.is_conditional:
        feed[LABEL] = np.array(seeds, np.int64) % card.num_classes
    return feed


def _is_same_everywhere(model: LoadedModel) -> bool:
    """One input at every place of a batch, among others, gives the same bytes."""
    seen = set()
    for place in range(NUM_PLACES):
        seeds = [*range(100, 100 + place), 7, *range(200, 200 + NUM_PLACES - 1 - place)]
        seen.add(model.session.run(_feed(model, seeds))[place].tobytes())
    return len(seen) == 1


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--device", default="cuda", choices=tuple(EXECUTION_PROVIDERS))
    parser.add_argument("--model", default="dcgan-mnist", help="whose throughput is measured")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    options = parser.parse_args(arguments)
    settings = Settings(
        models=options.models, device=options.device, max_batch_size=max(BATCH_SIZES)
    )
    served = Registry.load(settings)
    on_cpu = Registry.load(settings.model_copy(update={"device": "cpu"}))
    print(f"Device: {options.device}\n")
    proofs = _print_proofs(served, on_cpu)
    _print_throughput(settings, served.resolve(options.model), options.seconds)
    provider = EXECUTION_PROVIDERS[options.device].name
    broken = [proof.name for proof in proofs if not proof.holds(provider)]
    print(f"\nDoes not hold: {', '.join(broken)}" if broken else "\nAll of it holds.")
    return 1 if broken else 0


def _print_proofs(served: Registry, on_cpu: Registry) -> list[Proof]:
    print("| model | execution provider | worst byte, levels | bytes apart | same everywhere |")
    print("|---|---|---|---|---|")
    proofs = []
    for model in served.models:
        proof = prove(model, on_cpu.resolve(f"{model.name}/{model.version}"))
        proofs.append(proof)
        print(
            f"| {proof.name} | {proof.provider} | {proof.difference} | {proof.share_apart:.4%} "
            f"| {'yes' if proof.is_same_everywhere else 'no'} |"
        )
    return proofs


def _print_throughput(settings: Settings, model: LoadedModel, seconds: float) -> None:
    print(f"\n{model.name}/{model.version}\n\n| in process, batch | images/s |\n|---|---|")
    for size in BATCH_SIZES:
        print(f"| {size} | {images_per_second(model, size, seconds):,.0f} |", flush=True)
    print("\n| over HTTP, connections | images/s | server CPU-ms an image |\n|---|---|---|")
    for connections, rate, cpu_ms in requests_per_second(settings, model, seconds):
        print(f"| {connections} | {rate:,.0f} | {cpu_ms:.3f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
