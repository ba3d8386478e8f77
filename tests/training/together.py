"""What two processes do together in one launch of torchrun; ``test_processes.py`` looks at it.

Everything lies below the folder that is given: a run directory for each run, and ``RANK.json``,
what this process saw after every step of every run.
"""

import faulthandler
import hashlib
import json
import os
import signal
import sys
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.training.conftest import TINY, TINY_LATENT
from training import runs
from training.cli import build_parser
from training.commands import training
from training.errors import TrainingError
from training.evaluation.distances import frechet_distance, kernel_distance
from training.launching import heard_if, read_place
from training.objectives import LOSSES, Objective
from training.processes import Processes, Together, joined
from training.reports import Reporter, Silence
from training.state import TrainingState
from training.systems import list_systems, load_system

LIMIT_S = 300  # on two idle cores it takes a tenth of it
AT_LAST = "and now a run that the launcher stops"
TICK, WHOLE = 0.032, 0.064  # thousands of images: two steps, four steps
RULES = (
    "--pack", "2", "--r1-gamma", "1", "--r2-gamma", "0.5", "--penalty-interval", "2",
    "--discriminator-steps", "2", "--generator-steps", "2", "--precision", "bf16",
    "--weight-clip", "0.5", "--optimizer", "rmsprop", "--kimg", "0.128",
)  # fmt: skip


class Witness:
    """Notes what this process has after every step of a run, and what it was dealt."""

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self.seen: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.run = ""
        self.at_step: dict[int, Any] = {}  # what to do after a step
        self.state: TrainingState
        self._dealt: list[list[int]] = []
        self._watch()

    def _watch(self) -> None:
        really_share, really_heed = Together.share, Together.heed
        really_init = TrainingState.__init__

        def share(processes: Together, batch: torch.Tensor) -> torch.Tensor:
            part = really_share(processes, batch)
            self._dealt.append(part.tolist())
            return part

        def init(state: TrainingState, *arguments: Any) -> None:
            really_init(state, *arguments)
            self.state = state

        def heed(processes: Together, stop: Any) -> bool:
            self._note_step()
            return really_heed(processes, stop)

        Together.share = share  # type: ignore[method-assign]
        Together.heed = heed  # type: ignore[method-assign]  # it comes last in every step
        TrainingState.__init__ = init  # type: ignore[method-assign]

    def _note_step(self) -> None:
        players = self.state.game.players
        steps = self.seen[self.run]
        steps.append(
            {
                "tensors": digest(players.tensors()),
                "random state": digest({"rng": torch.get_rng_state()}),
                "dealt": self._dealt[:],
            }
        )
        self._dealt.clear()
        if action := self.at_step.get(len(steps)):
            action()


def digest(tensors: dict[str, torch.Tensor]) -> str:
    sha = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        sha.update(name.encode())
        sha.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


def main() -> None:
    folder, colours = map(Path, sys.argv[1:])
    faulthandler.dump_traceback_later(LIMIT_S, exit=True)  # who waits for ever fails
    torch.set_num_threads(1)
    place = read_place()
    witness = Witness(place.rank)
    with heard_if(place.is_first), joined(place) as processes:

        def train(system: str, name: str, *options: str) -> int:
            """Exit status; that of an error is what it says."""
            is_translator = load_system(system).kind == "translator"
            data = ("--data", f"colourise:{colours}", *TINY) if is_translator else TINY_LATENT
            witness.run = name
            words = ("train", system, *data, "--tick-kimg", str(TICK), "--kimg", str(WHOLE))
            words += ("--out", str(folder / name.split(",")[0]), *options)
            try:
                return training._run(build_parser().parse_args(words), processes)
            except TrainingError as error:
                witness.seen["errors"].append({"run": name, "says": str(error)})
                return 1

        measured_by_one(processes)
        Reporter._save_plot = lambda *_: None  # type: ignore[method-assign]  # takes longest
        each_system(train, witness)
        divergence(train, witness)
        refusals(train, folder, processes)
        sick_losses(train, place.rank)
        (folder / f"{place.rank}.json").write_text(json.dumps(witness.seen))
        print(AT_LAST, flush=True)
        sys.exit(train("wgan-gp", "launched", "--kimg", "40"))


def measured_by_one(processes: Processes) -> None:
    """While the others wait: whatever measures must not wait for them."""
    with processes.failing_together():
        if processes.is_first:
            features = np.random.default_rng(0).standard_normal((2, 20, 4)).astype(np.float32)
            frechet_distance(*features)
            kernel_distance(*features)


def each_system(train: Any, witness: Witness) -> None:
    for system in list_systems():
        critic_steps = load_system(system).defaults.discriminator_steps
        if critic_steps > 1:
            options = ("--discriminator-steps", "2", "--kimg", str(2 * WHOLE))
        else:
            options = ()
        assert train(system, system, *options) == 0
        # A signal that one process alone got, even twice, stops both after the same step.
        if witness.rank == 1:
            witness.at_step = {2: be_told_twice}
        assert train(system, f"{system}-stopped", *options) == 128 + signal.SIGTERM
        witness.at_step = {}
        assert train(system, f"{system}-stopped,resumed", *options, "--resume") == 0
    assert train("dcgan", "rules", *RULES) == 0


def be_told_twice() -> None:
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGTERM)


def divergence(train: Any, witness: Witness) -> None:
    def drift() -> None:
        generator = witness.state.game.players.generators["generator"]
        next(generator.parameters()).data[0, 0] += 1e-6

    if witness.rank == 1:
        witness.at_step = {2: drift}
    assert train("dcgan", "diverged") == 1
    witness.at_step = {}


def refusals(train: Any, folder: Path, processes: Processes) -> None:
    assert train("dcgan", "odd", "--batch-size", "17") == 1
    assert train("cyclegan", "few", "--batch-size", "2") == 1
    assert train("dcgan", "dcgan") == 1  # is there already
    is_first = processes.is_first
    assert train("dcgan", "elsewhere", "--data", "digits" if is_first else "nowhere") == 1
    assert train("dcgan", "unlike", "--seed", "1" if is_first else "2") == 1
    with blind_to_the_end(is_blind=not is_first):
        assert train("dcgan", "dcgan,half-over", "--resume") == 1
    with failing_tick(is_first):
        assert train("dcgan", "full-disk") == 1


@contextmanager
def blind_to_the_end(*, is_blind: bool) -> Any:
    really = runs.is_finished
    if is_blind:
        runs.is_finished = lambda *_: False
    yield
    runs.is_finished = really


@contextmanager
def failing_tick(is_first: bool) -> Any:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    reporting = Reporter if is_first else Silence
    really = Reporter.tick
    if is_first:
        reporting.tick = fail  # type: ignore[method-assign]
    yield
    Reporter.tick = really  # type: ignore[method-assign]


def sick_losses(train: Any, rank: int) -> None:
    """Not finite in one process alone."""
    healthy = LOSSES["non-saturating"]
    if rank == 1:
        LOSSES["non-saturating"] = Objective(
            healthy.discriminator, lambda logits: logits.mean() * torch.nan
        )
    assert train("dcgan", "sick") == 1
    LOSSES["non-saturating"] = healthy


if __name__ == "__main__":
    main()
