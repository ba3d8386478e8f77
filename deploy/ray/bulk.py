"""Images by the million on a Ray cluster: the shards of ``ganserve generate --shards``.

``python -m deploy.ray.bulk --model dcgan-mnist --seed 0 --n 2000000 --out /shared/digits``

The folder must be the same on every machine. Whatever dies, shards that are there stay; the same
command goes on with them. Without a cluster, all cores of this machine are one.
"""

import argparse
import logging
import math
import os
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

import ray
from app.bulk_shards import errors_explained, shard_parameters
from app.cpu import num_usable_cores
from app.datasets.shard_layout import ShardLayout
from app.datasets.shard_size import SHARD_SIZE
from app.devices import DEVICES
from app.errors import GanServeError
from app.progress import progress_line
from app.settings import Settings, what_is_wrong
from contract import NUM_SEEDS
from deploy.ray.bulk_crew import Crew, CrewFailed
from deploy.ray.bulk_worker import BulkOrder, BulkWorker

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
TELL_EVERY_S = 5.0  # how far it is
ASKED = ("model", "label", "seed", "n", "truncation", "format")
"""Options that are parameters of a data set."""

_LOCAL = "local"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        with errors_explained(options.out):
            order = bulk_order(options)
        connect(options.address)
        with errors_explained(options.out):
            folder = _crew(options, order).work()
    except (GanServeError, CrewFailed) as error:
        _tell(str(error))
        return FAILED
    except ValidationError as error:
        _tell(what_is_wrong(error))
        return WRONG_USE
    except KeyboardInterrupt:
        _tell("interrupted; the shards that are there stay, and the same command goes on")
        return INTERRUPTED
    finally:
        ray.shutdown()
    layout = folder.layout
    print(
        f"{layout.num_images} of {folder.manifest['model']} from seed {layout.seed} on, in "
        f"{folder.path}: {layout.pattern}"
    )
    return 0


def _crew(options: argparse.Namespace, order: BulkOrder) -> Crew:
    actor = ray.remote(BulkWorker).options(
        num_cpus=options.cpus_per_worker,
        num_gpus=options.gpus_per_worker,
        label_selector=dict(options.node_label),
        max_restarts=0,  # the crew replaces it, and gives its shard to another
    )
    resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
    has_room_for = int(resources.get("CPU", 1) // options.cpus_per_worker)
    return Crew(
        lambda: actor.remote(order),
        order.out,
        num_workers=options.workers or max(1, has_room_for),
        needs=", ".join(
            [
                f"{options.cpus_per_worker:g} CPU",
                f"{options.gpus_per_worker:g} GPU",
                *(f"a machine labelled {key}={value}" for key, value in options.node_label),
            ]
        ),
        tell=_tell,
        on_progress=_now_and_then(),
    )


def bulk_order(options: argparse.Namespace) -> BulkOrder:
    """What every worker is told: complete, so that no environment of theirs changes an image.

    Raises:
        InvalidParameter: a value is out of range, or what the folder says cannot be read.
        OSError: the folder cannot be read.
    """
    out = options.out.absolute()
    asked = {name: getattr(options, name) for name in ASKED}
    seed = shard_parameters(out, **asked).seed
    flags = {"device": options.device, "models": options.models}
    settings = Settings(**{name: value for name, value in flags.items() if value is not None})
    own = {
        "models": settings.models.absolute(),
        "num_threads": max(1, int(options.cpus_per_worker)),
    }
    return BulkOrder(
        out=out,
        shard_size=options.shard_size,
        asked=asked | {"seed": secrets.randbelow(NUM_SEEDS) if seed is None else seed},
        settings=settings.model_dump() | own,
    )


def connect(address: str | None) -> None:
    """To a cluster, or to one of this machine alone that ends with this process.

    Raises:
        CrewFailed: there is no cluster at this address.
    """
    address = address or os.environ.get("RAY_ADDRESS") or _LOCAL
    if address != _LOCAL:
        try:
            ray.init(address=address)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise CrewFailed(
                f"no Ray cluster answers at {address!r}: {error}; right would be HOST:PORT of its "
                "head, 'auto' on one of its nodes, or 'local' for this machine alone"
            ) from error
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(
        address=_LOCAL,
        num_cpus=num_usable_cores(),
        include_dashboard=False,
        logging_level=logging.WARNING,
        _node_ip_address="127.0.0.1",
    )


def _now_and_then() -> Callable[[ShardLayout, int, int], None]:
    """What tells how far it is, as a line every few seconds: the log of a job has no cursor."""
    began = told = time.monotonic()

    def show(layout: ShardLayout, num_there: int, num_made: int) -> None:
        nonlocal told
        now, total = time.monotonic(), layout.num_images
        if now - told >= TELL_EVERY_S or num_there == total:
            told = now
            _tell(progress_line(num_there, total, num_new=num_made, took_s=now - began))

    return show


def _tell(sentence: str) -> None:
    sys.stderr.write(f"bulk: {sentence}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.ray.bulk",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", help="NAME, NAME/VERSION or NAME@DIGEST; else the default")
    parser.add_argument("--label", help="class name or class index of the model")
    parser.add_argument("--seed", type=int, help="of the first image; drawn if left out")
    parser.add_argument("--n", type=int, required=True, help="images")
    parser.add_argument("--truncation", type=float, help="0.1 to 10; none if left out")
    parser.add_argument("--format", help="of the images: png, webp or jpeg")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="on every machine")
    parser.add_argument(
        "--shard-size", type=_count, default=SHARD_SIZE, metavar="SIZE", help="images in a shard"
    )
    parser.add_argument("--models", type=Path, metavar="DIR", help="on every machine")
    parser.add_argument("--device", choices=DEVICES)
    parser.add_argument("--workers", type=_count, metavar="N", help="else as many as have room")
    parser.add_argument("--cpus-per-worker", type=_positive, default=1.0, metavar="CPUS")
    parser.add_argument(
        "--gpus-per-worker", type=_share, default=0.0, metavar="GPUS", help="a share, or 1"
    )
    parser.add_argument(
        "--node-label",
        type=_label,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="only machines that have this label; may be given several times",
    )
    parser.add_argument(
        "--address", help="of a cluster, or auto; else RAY_ADDRESS, or this machine alone: local"
    )
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not more than 0")
    return number


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not in 0..1: a worker runs on one GPU")
    return number


def _label(text: str) -> tuple[str, str]:
    key, is_given, value = text.partition("=")
    if not (key and is_given):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


if __name__ == "__main__":
    sys.exit(main())
