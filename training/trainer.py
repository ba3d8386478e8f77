"""The training loop, the same for every system."""

import math
from collections import defaultdict
from pathlib import Path
from typing import Protocol

from torch import Tensor

from training.ema import RAMP_UP
from training.errors import TrainingError, explaining_disk_errors
from training.games import Game
from training.interrupts import StopRequest
from training.reports import Reporter, Silence
from training.state import TrainingState


class Evaluator(Protocol):
    """What measures the images of a game while it goes on."""

    best: str  # name of the metric, the lower the better, that chooses what is exported

    def measure(self, game: Game) -> dict[str, float]:
        """Metrics of the averaged generators; leaves the random state as it was."""


def train(
    state: TrainingState,
    run_dir: Path,
    *,
    tick_kimg: float,
    evaluate_kimg: float,
    evaluator: Evaluator | None,
    stop: StopRequest,
) -> None:
    """Train until the run is finished or ``stop`` is set; either way the checkpoint is current.

    Args:
        tick_kimg: a status line, samples, and a checkpoint come every so many thousand images.
        evaluate_kimg: the images are measured at the first tick after every so many thousand.
        evaluator: measures them; None leaves it out, as processes other than the first do.

    Of several processes each plays its share of every step; the first measures, reports and saves.

    Raises:
        TrainingError: a loss is not finite, or a checkpoint cannot be written.
    """
    config, game, processes = state.config, state.game, state.processes
    sums: dict[str, Tensor | float] = defaultdict(float)
    num_steps = 0
    is_stopping = False
    next_tick = _next_multiple(state.images_shown, tick_kimg * 1000)
    next_evaluation = _next_multiple(state.images_shown, evaluate_kimg * 1000)

    with processes.failing_together(), explaining_disk_errors(run_dir):
        reporter = Reporter(run_dir, state) if processes.is_first else Silence()
    with reporter:
        while not state.is_finished and not is_stopping:
            # Update discriminators and generators.
            shown_before = state.images_shown
            game.players.set_learning_rates(config.lr_factor(shown_before))
            signals = game.step()

            # Agree on the statistics of batches, average the generators.
            processes.average(game.players.statistics())
            half_life = min(config.ema_half_life_kimg * 1000, RAMP_UP * state.images_shown)
            game.players.update_averages(
                images=state.images_shown - shown_before, half_life=half_life
            )

            # Keep the signals of this step; they are read once a tick.
            num_steps += 1
            for name, value in signals.items():
                sums[name] += value
            reporter.progress()

            # Measure, report and save.
            is_stopping = processes.heed(stop)
            if state.images_shown >= next_tick or state.is_finished or is_stopping:
                means = processes.means(
                    {name: float(total) / num_steps for name, total in sums.items()}
                )
                broken = [name for name, value in means.items() if not math.isfinite(value)]
                if not broken:
                    game.recalibrate()
                    processes.broadcast(game.players.average_statistics())
                processes.refuse_divergence(game.players.tensors)
                of_each = state.gather()
                with processes.failing_together():
                    if broken:
                        reporter.end_broken(broken)
                        raise TrainingError(_explanation(broken, state))
                    metrics: dict[str, float] = {}
                    if evaluator and (state.images_shown >= next_evaluation or state.is_finished):
                        metrics = evaluator.measure(game)
                        next_evaluation = _next_multiple(state.images_shown, evaluate_kimg * 1000)
                        if state.best_metric is None or metrics[evaluator.best] < state.best_metric:
                            state.best_metric = metrics[evaluator.best]
                            state.save_best(run_dir, metrics)
                    with explaining_disk_errors(run_dir):  # first: who dies between tells it again
                        reporter.record(means, metrics)
                    state.save(run_dir, of_each)
                    with explaining_disk_errors(run_dir):
                        reporter.tick(means | metrics)
                sums.clear()
                num_steps = 0
                next_tick = _next_multiple(state.images_shown, tick_kimg * 1000)
        if state.is_finished:
            with processes.failing_together():
                state.save_final(run_dir)


def _next_multiple(position: float, step: float) -> float:
    return (math.floor(position / step) + 1) * step if step else math.inf


def _explanation(broken: list[str], state: TrainingState) -> str:
    return (
        f"training went wrong near {state.images_shown / 1000:g} kimg: {', '.join(broken)} is not "
        "a finite number; the last checkpoint is from before it; start anew with a lower learning "
        "rate, or with --precision fp32 (gantrain doctor RUN_DIR says which)"
    )
