"""The command ganserve and its own: serve, generate, bench, keygen.

Flags win over GANSERVE_ environment variables.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from app.access.key_file import Role
from app.datasets.shard_size import SHARD_SIZE
from app.devices import DEVICES
from app.errors import GanServeError
from app.logs import configure_logs
from app.progress import progress_bar
from app.settings import PREFIX, Settings, what_is_wrong
from app.version import service_version

if TYPE_CHECKING:
    from app.datasets.plan import DatasetPlan

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130


class CommandFailed(Exception):
    """A command cannot go on; the message is for the person at the terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = vars(_parser().parse_args(arguments))
    command, run = options.pop("command"), options.pop("run")
    try:
        status: int = run(**options)
    except ValidationError as error:
        return _complain(command, what_is_wrong(error), WRONG_USE)
    except (CommandFailed, GanServeError) as error:
        return _complain(command, str(error), FAILED)
    except KeyboardInterrupt:
        return _complain(command, "interrupted", INTERRUPTED)
    return status


def serve(**flags: Any) -> int:
    from app.serving import serve  # the server and its libraries are loaded by no other command

    return serve(_settings(flags), flags={k: v for k, v in flags.items() if v is not None})


def generate(
    *,
    model: str | None,
    label: str | None,
    seed: int | None,
    n: int,
    truncation: float | None,
    format: str | None,
    out: Path,
    shards: int | None,
    **flags: Any,
) -> int:
    from app.bulk import generate_files
    from app.bulk_shards import generate_shards

    settings = _settings(flags)
    configure_logs(settings.model_copy(update={"log_level": "warning"}))
    write: Callable[..., DatasetPlan] = generate_files
    if shards is not None:
        write = partial(generate_shards, shard_size=shards, on_note=_say)
    with progress_bar(n) as show, _hint_if_interrupted(out, n):
        plan = write(
            settings,
            model=model,
            label=label,
            seed=seed,
            n=n,
            truncation=truncation,
            format=format,
            out=out,
            on_progress=show,
        )
    sys.stdout.write(
        f"{plan.num_images} of {plan.model.name}/{plan.model.version} "
        f"from seed {plan.seed} on, in {out}\n"
    )
    return 0


def _say(note: str) -> None:
    sys.stderr.write(f"{note}\n")


@contextmanager
def _hint_if_interrupted(out: Path, n: int) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        if n > 1 and out.is_dir():
            sys.stderr.write("what is there is kept; the same command goes on with it\n")
        raise


def bench(
    *, url: str | None, key_file: Path | None, engine: bool, model: str | None, **flags: Any
) -> int:
    from app.benching.bench import bench
    from app.benching.targets import own_engine, own_server, running_service

    if url is not None:
        if given := [f"--{name}" for name, value in flags.items() if value is not None]:
            raise CommandFailed(f"{given[0]} is for a server of its own, not for that of --url")
        return bench(running_service(url, model, key_file))
    if key_file is not None:
        raise CommandFailed("--key-file is for the service of --url; nobody else asks for a key")
    settings = _settings(flags)
    configure_logs(settings.model_copy(update={"log_level": "warning"}))
    return bench((own_engine if engine else own_server)(settings, model))


def keygen(*, name: str, append: Path | None, **limits: Any) -> int:
    from app.access import keygen

    key, entry = keygen.make_key(name, **limits)
    if append is None:
        sys.stderr.write("# into the file that the setting api_keys_file names:\n")
        sys.stderr.write(keygen.as_toml(entry))
    else:
        keygen.append(entry, append)
        sys.stderr.write(f"{name} is in {append}; services read it at start and on SIGHUP\n")
    sys.stdout.write(f"{key}\n")  # the only time: nothing keeps it
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ganserve", description=__doc__)
    parser.add_argument("--version", action="version", version=service_version())
    commands = parser.add_subparsers(dest="command", required=True)

    serving = commands.add_parser("serve", help="answer HTTP requests")
    serving.set_defaults(run=serve)
    serving.add_argument("--host", help=_meaning("host"))
    serving.add_argument("--port", type=int, help=_meaning("port"))
    serving.add_argument("--workers", type=int, metavar="N", help=_meaning("workers"))

    generating = commands.add_parser("generate", help="write images to files, without HTTP")
    generating.set_defaults(run=generate)
    generating.add_argument("--model", help="NAME, NAME/VERSION or NAME@DIGEST")
    generating.add_argument("--label", help="class name or class index of the model")
    generating.add_argument("--seed", type=int, help="of the first image; drawn if left out")
    generating.add_argument("--n", type=int, default=1, help="images")
    generating.add_argument("--truncation", type=float, help="0.1 to 10; none if left out")
    generating.add_argument("--format", help="of the files: png, webp or jpeg")
    generating.add_argument(
        "--out",
        type=Path,
        default=Path("."),
        metavar="DIR|FILE",
        help="a picture, or a folder: several images are a data set, which the same command "
        "continues if it is interrupted",
    )

    generating.add_argument(
        "--shards",
        type=int,
        nargs="?",
        const=SHARD_SIZE,
        metavar="SIZE",
        help="in DIR, WebDataset tar files of SIZE images each in place of a file an image; "
        f"{SHARD_SIZE:,} if left out",
    )

    benching = commands.add_parser("bench", help="measure what serving gives and costs")
    benching.set_defaults(run=bench)
    benching.add_argument("--model", help="NAME, NAME/VERSION or NAME@DIGEST; else the default")
    what = benching.add_mutually_exclusive_group()
    what.add_argument("--url", help="of a service that runs already; else one is started")
    benching.add_argument(
        "--key-file", type=Path, metavar="FILE", help="holds the API key that --url asks for"
    )
    what.add_argument("--engine", action="store_true", help="the engine alone, without HTTP")

    making_keys = commands.add_parser("keygen", help="make an API key and print it, once")
    making_keys.set_defaults(run=keygen)
    making_keys.add_argument("name", help="whose it is; the log names it so")
    making_keys.add_argument("--role", choices=get_args(Role), default="generate")
    making_keys.add_argument("--requests-per-minute", type=int, metavar="N")
    making_keys.add_argument("--max-concurrent", type=int, metavar="N")
    making_keys.add_argument(
        "--append", type=Path, metavar="FILE", help="add its entry there, in place of printing it"
    )

    for command in (serving, generating, benching):
        command.add_argument("--models", type=Path, metavar="DIR", help=_meaning("models"))
        command.add_argument("--device", choices=DEVICES, help=_meaning("device"))
    return parser


def _settings(flags: dict[str, Any]) -> Settings:
    settings = Settings(**{name: value for name, value in flags.items() if value is not None})
    if not settings.models.is_dir():
        raise CommandFailed(
            f"the model repository {str(settings.models)!r} is not a folder; "
            f"--models (or {PREFIX}MODELS) names one"
        )
    return settings


def _meaning(field: str) -> str:
    return str(Settings.model_fields[field].description).replace("%", "%%")


def _complain(command: str, message: str, status: int) -> int:
    sys.stderr.write(f"ganserve {command}: {message}\n")
    return status
