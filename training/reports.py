"""What a run tells while it trains: status line, stats.jsonl, TensorBoard, pictures and a plot."""

import json
import sys
import time
from pathlib import Path
from typing import Any, Self

import torch
from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from training.atomic import atomic_path, write_text_atomically
from training.ema import generator_inputs
from training.export_graph import to_pixels
from training.grids import image_grid, png_bytes
from training.state import TrainingState

STATS = "stats.jsonl"
SAMPLES = "samples"
NUM_SAMPLES = 64
LOSS_PLOT = "losses.png"
PLOTTED = ("discriminator_loss", "generator_loss")


class Reporter:
    """Reports of one run; everything it writes lies below the run directory."""

    def __init__(self, run_dir: Path, state: TrainingState) -> None:
        self._run_dir = run_dir
        self._state = state
        self._records = _records_until(run_dir / STATS, state.images_shown)
        write_text_atomically(
            run_dir / STATS, "".join(json.dumps(record) + "\n" for record in self._records)
        )
        (run_dir / SAMPLES).mkdir(exist_ok=True)
        self._tensorboard = SummaryWriter(run_dir / "tensorboard", purge_step=state.images_shown)
        self._bar = tqdm(
            total=state.config.total_images, initial=state.images_shown, disable=None,
            unit="img", unit_scale=True, smoothing=0.05,
        )  # fmt: skip
        self._tick_started = time.monotonic()
        self._tick_images = state.images_shown

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()
        self._tensorboard.close()

    def progress(self) -> None:
        self._bar.update(self._state.images_shown - self._bar.n)

    def tick(self, means: dict[str, float]) -> None:
        """Write one record, one line, one picture and the plot so far."""
        now, shown = time.monotonic(), self._state.images_shown
        seconds_per_kimg = (now - self._tick_started) / max(shown - self._tick_images, 1) * 1000
        self._tick_started, self._tick_images = now, shown
        record = {
            "kimg": shown / 1000,
            "images_shown": shown,
            **means,
            "seconds_per_kimg": round(seconds_per_kimg, 3),
        }
        self._records.append(record)
        with (self._run_dir / STATS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        for name, value in means.items():
            self._tensorboard.add_scalar(name, value, shown)
        tqdm.write(self._status_line(record))
        sys.stdout.flush()  # into a pipe or file, too, while there is time to act on it
        self._save_samples(shown)
        self._save_plot()

    def _status_line(self, record: dict[str, Any]) -> str:
        config = self._state.config
        left_s = (config.total_images / 1000 - record["kimg"]) * record["seconds_per_kimg"]
        losses = "  ".join(f"{name} {record[name]:.3f}" for name in PLOTTED if name in record)
        return (
            f"{record['kimg']:9.1f} of {config.kimg:g} kimg  {losses}  "
            f"{record['seconds_per_kimg']:.2f} s/kimg  {max(left_s, 0) / 60:.0f} min left"
        )

    @torch.no_grad()
    def _save_samples(self, shown: int) -> None:
        state = self._state
        inputs = generator_inputs(
            range(NUM_SAMPLES), state.shape.latent_dim, state.shape.num_classes, state.device
        )
        grid = image_grid(to_pixels(state.generator_ema(*inputs)).cpu().numpy())
        path = self._run_dir / SAMPLES / f"{shown:010d}.png"
        path.write_bytes(png_bytes(grid))
        self._tensorboard.add_image("samples", grid, shown, dataformats="HWC")

    def _save_plot(self) -> None:
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.subplots()
        for name in PLOTTED:
            points = [(record["kimg"], record[name]) for record in self._records if name in record]
            if points:
                axes.plot(*zip(*points, strict=True), label=name.replace("_", " "))
        axes.set(xlabel="real images shown (thousands)", ylabel="loss")
        axes.legend()
        axes.grid(alpha=0.3)
        with atomic_path(self._run_dir / LOSS_PLOT) as temporary:
            figure.savefig(temporary, format="png", dpi=120)


def _records_until(path: Path, images_shown: int) -> list[dict[str, Any]]:
    """Records up to the checkpoint: what an interrupted run wrote beyond it is told again."""
    if not path.exists():
        return []
    records = map(_record, path.read_text(encoding="utf-8", errors="replace").splitlines())
    return [record for record in records if record and record["images_shown"] <= images_shown]


def _record(line: str) -> dict[str, Any] | None:
    """The record of one line, or None if a crash tore it."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    is_whole = isinstance(record, dict) and isinstance(record.get("images_shown"), int)
    return record if is_whole else None
