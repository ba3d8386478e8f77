"""What a run tells while it trains: status line, stats.jsonl, TensorBoard, pictures and a plot."""

import json
import sys
import time
from pathlib import Path
from typing import Any, Self

from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from training.atomic import atomic_path, write_text_atomically
from training.doctor.course import Course
from training.doctor.diagnosis import can_judge, findings_now
from training.doctor.telling import verdict_line
from training.grids import png_bytes
from training.records import FILENAME as STATS
from training.records import read_records
from training.state import TrainingState

SAMPLES = "samples"
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
        self._verdict: str | None = None  # on the last record, in a line
        self._tick_started = time.monotonic()
        self._tick_images = state.images_shown

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()
        self._tensorboard.close()

    def progress(self) -> None:
        self._bar.update(self._state.images_shown - self._bar.n)

    def record(self, means: dict[str, float], metrics: dict[str, float]) -> None:
        """Write down one record.

        Args:
            means: of the signals of the steps since the last tick.
            metrics: measured at this tick; empty if none were.
        """
        now, shown = time.monotonic(), self._state.images_shown
        seconds_per_kimg = (now - self._tick_started) / max(shown - self._tick_images, 1) * 1000
        self._tick_started, self._tick_images = now, shown
        record = {
            "kimg": shown / 1000,
            "images_shown": shown,
            **means,
            **({"metrics": metrics} if metrics else {}),
            "seconds_per_kimg": round(seconds_per_kimg, 3),
        }
        self._verdict = self._judge(record)
        self._append(record)

    def tick(self, figures: dict[str, float]) -> None:
        """Tell the last record: one line, one picture, the plot so far, figures to TensorBoard."""
        record = self._records[-1]
        shown = record["images_shown"]
        for name, value in figures.items():
            self._tensorboard.add_scalar(name, value, shown)
        tqdm.write(self._status_line(record))
        if self._verdict:
            tqdm.write(f"{'verdict':>9}: {self._verdict}")
            self._tensorboard.add_text("verdict", self._verdict, shown)
        sys.stdout.flush()  # into a pipe or file, too, while there is time to act on it
        self._save_preview(shown)
        self._save_plot()

    def end_broken(self, broken: list[str]) -> None:
        """Write down which signals are no finite numbers any more, for those who ask later."""
        shown = self._state.images_shown
        self._append({"kimg": shown / 1000, "images_shown": shown, "not_finite": broken})

    def _judge(self, record: dict[str, Any]) -> str | None:
        """Add the doctor's verdict to a record; gives what to say of it, if anything."""
        course = Course(self._state.config, [*self._records, record])
        findings = findings_now(course)
        if findings or can_judge(course):
            record["verdict"] = [finding.disease.name for finding in findings]
        before = self._records[-1].get("verdict") if self._records else None
        return verdict_line(findings, before or [])

    def _append(self, record: dict[str, Any]) -> None:
        self._records.append(record)
        with (self._run_dir / STATS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def _status_line(self, record: dict[str, Any]) -> str:
        config = self._state.config
        left_s = (config.total_images / 1000 - record["kimg"]) * record["seconds_per_kimg"]
        figures = {name: record[name] for name in PLOTTED} | record.get("metrics", {})
        told = "  ".join(f"{name} {value:.3f}" for name, value in figures.items())
        return (
            f"{record['kimg']:9.1f} of {config.kimg:g} kimg  {told}  "
            f"{record['seconds_per_kimg']:.2f} s/kimg  {max(left_s, 0) / 60:.0f} min left"
        )

    def _save_preview(self, shown: int) -> None:
        picture = self._state.game.preview()
        path = self._run_dir / SAMPLES / f"{shown:010d}.png"
        path.write_bytes(png_bytes(picture))
        self._tensorboard.add_image("samples", picture, shown, dataformats="HWC")

    def _save_plot(self) -> None:
        figure = Figure(figsize=(8, 4), layout="constrained")
        axes = figure.subplots()
        for name in PLOTTED:
            points = [(record["kimg"], record[name]) for record in self._records if name in record]
            if points:
                axes.plot(*zip(*points, strict=True), label=name.replace("_", " "))
        axes.set(xlabel="real images shown (thousands)", ylabel="loss")
        axes.legend(loc="upper right")  # to look for the best place may take seconds
        axes.grid(alpha=0.3)
        with atomic_path(self._run_dir / LOSS_PLOT) as temporary:
            figure.savefig(temporary, format="png", dpi=120)


class Silence:
    """The reports of processes other than the first, which reports for all."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None: ...

    def progress(self) -> None: ...

    def record(self, means: dict[str, float], metrics: dict[str, float]) -> None: ...

    def tick(self, figures: dict[str, float]) -> None: ...

    def end_broken(self, broken: list[str]) -> None: ...


def _records_until(path: Path, images_shown: int) -> list[dict[str, Any]]:
    """Records up to the checkpoint: what an interrupted run wrote beyond it is told again."""
    return [record for record in read_records(path) if record["images_shown"] <= images_shown]
