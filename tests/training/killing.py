"""Runs that are killed again and again, and resumed: ``python -m tests.training.killing``.

A run is trained once undisturbed, and once more with SIGKILL at random moments, half of them while
a checkpoint is being written. Exit status 1 unless both end with the same files, bit for bit.

Each attempt is forked from this process, which has imported PyTorch and computed nothing: so a
death costs the work since the last checkpoint and not the seconds of an import.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.toy_images import write_gradients
from training.cli import main as gantrain

SYSTEMS = ("dcgan", "wgan-gp", "cyclegan")
TICK_KIMG = 0.08  # five steps
TICKS_A_KILL = 2  # an attempt gets no further: so long must the run be
TICKS_LEFT = 6
TINY = (
    "--image-size", "8", "--width", "0.05", "--batch-size", "16", "--precision", "fp32",
    "--device", "cpu", "--decay-kimg", "0", "--evaluate-kimg", "0",
)  # fmt: skip
COMPARED = ("checkpoint.safetensors", "final.safetensors")


@dataclass(frozen=True)
class Outcome:
    system: str
    num_kills: int
    num_torn: int  # kills that left a checkpoint half written behind
    num_without_progress: int  # kills before the attempt's first checkpoint
    seconds: float
    are_files_equal: bool
    are_records_equal: bool


def kill_and_resume(system: str, folder: Path, *, num_kills: int, seed: int) -> Outcome:
    started = time.monotonic()
    rng = random.Random(f"{system} {seed}")
    kimg = TICK_KIMG * (TICKS_A_KILL * num_kills + TICKS_LEFT)
    arguments = [*_data(system, folder), "--tick-kimg", str(TICK_KIMG), "--kimg", f"{kimg:g}"]
    whole, killed = folder / "whole", folder / "killed"

    began = time.monotonic()
    _finish(_start(system, whole, arguments))
    seconds_a_tick = (time.monotonic() - began) / (kimg / TICK_KIMG)

    num_torn = num_idle = 0
    for number in range(num_kills):
        before = _shown(killed)
        process = _start(system, killed, arguments, holds_itself=True)
        moment = (
            _writing(killed, process, rng) if number % 2 else _any_time(rng, 3 * seconds_a_tick)
        )
        while not moment():
            changed, status = os.waitpid(process, os.WNOHANG | os.WUNTRACED)
            if changed and os.WIFSTOPPED(status):
                break  # it holds itself
            if changed:
                raise RuntimeError(f"{system}: the run was over before kill {number + 1}")
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        num_torn += bool(_partial_names(killed))
        num_idle += _shown(killed) == before
    _finish(_start(system, killed, arguments))

    return Outcome(
        system=system,
        num_kills=num_kills,
        num_torn=num_torn,
        num_without_progress=num_idle,
        seconds=round(time.monotonic() - started, 1),
        are_files_equal=all(
            (killed / name).read_bytes() == (whole / name).read_bytes() for name in COMPARED
        ),
        are_records_equal=_records(killed) == _records(whole),
    )


def _data(system: str, folder: Path) -> list[str]:
    if system != "cyclegan":
        return ["--data", "digits", "--latent-dim", "8", *TINY]
    colours = folder / "colours"
    colours.mkdir()
    write_gradients(colours)
    return ["--data", f"colourise:{colours}", *TINY]


def _start(system: str, run_dir: Path, arguments: list[str], *, holds_itself: bool = False) -> int:
    """Fork a process that trains; gives its id."""
    process = os.fork()
    if process:
        return process
    with (run_dir.parent / f"{run_dir.name}.log").open("a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    if holds_itself:
        _hold()
    status = 1
    try:
        status = gantrain(["train", system, "--out", str(run_dir), "--resume", *arguments])
    finally:
        sys.stdout.flush()
        os._exit(status)


def _hold() -> None:
    """Let this process stop while it writes the checkpoint behind its last tick, however late it
    is killed."""
    from training import checkpoints

    really = checkpoints.atomic_path
    num_written = 0

    @contextmanager
    def held(path: Path) -> Iterator[Path]:
        nonlocal num_written
        with really(path) as temporary:
            yield temporary
            num_written += 1
            if num_written > TICKS_A_KILL:
                os.kill(os.getpid(), signal.SIGSTOP)

    checkpoints.atomic_path = held


def _finish(process: int) -> None:
    _, status = os.waitpid(process, 0)
    if status:
        raise RuntimeError(f"training ended with status {os.waitstatus_to_exitcode(status)}")


def _any_time(rng: random.Random, most_s: float) -> Callable[[], bool]:
    deadline = time.monotonic() + rng.uniform(0, most_s)
    return lambda: time.monotonic() >= deadline


def _writing(run_dir: Path, process: int, rng: random.Random) -> Callable[[], bool]:
    """Soon after a checkpoint began to be written: the attempt's first, second or third.

    The process is held still for the look whether it writes: it might be done with it meanwhile.
    """
    num_left = rng.choice((1, 2, 3))
    seen = left_behind = _partial_names(run_dir)  # by the kill before

    def is_now() -> bool:
        nonlocal num_left, seen
        names = _partial_names(run_dir)
        if names - seen:
            num_left -= 1
        seen = names
        if num_left > 0 or not names - left_behind:
            return False
        time.sleep(rng.uniform(0, 0.001))
        os.kill(process, signal.SIGSTOP)
        os.waitpid(process, os.WUNTRACED)
        if _partial_names(run_dir) - left_behind:
            return True
        os.kill(process, signal.SIGCONT)
        return False

    return is_now


def _partial_names(run_dir: Path) -> set[str]:
    try:
        return {name for name in os.listdir(run_dir) if name.startswith(".checkpoint")}
    except FileNotFoundError:
        return set()


def _shown(run_dir: Path) -> int:
    """Images shown until the last checkpoint."""
    from safetensors import safe_open

    path = run_dir / COMPARED[0]
    if not path.exists():
        return 0
    with safe_open(path, framework="numpy") as file:
        (record,) = file.metadata().values()
    return int(json.loads(record)["images_shown"])


def _records(run_dir: Path) -> list[dict[str, float]]:
    """What stats.jsonl says, but for the time that it took."""
    lines = (run_dir / "stats.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [{**record, "seconds_per_kimg": 0} for record in records]


def _import_all() -> None:
    """What an attempt would import otherwise, each time anew."""
    import sklearn.datasets  # noqa: F401
    import torch
    import torch._dynamo  # by the first optimizer

    import training.runs
    import training.systems.cyclegan
    import training.trainer  # noqa: F401
    from training.reports import Reporter

    torch.set_num_threads(1)
    Reporter._save_plot = lambda _: None  # type: ignore[method-assign]  # takes longest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30, help="for each system")
    parser.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=SYSTEMS)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    _import_all()
    is_good = True
    for system in options.systems:
        with tempfile.TemporaryDirectory() as folder:
            outcome = kill_and_resume(
                system, Path(folder), num_kills=options.kills, seed=options.seed
            )
        print(json.dumps(asdict(outcome)), flush=True)
        is_good &= outcome.are_files_equal and outcome.are_records_equal
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
