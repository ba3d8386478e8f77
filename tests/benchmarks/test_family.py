"""The family's page is made from its results alone, and is in step with them."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.patches import Rectangle
from PIL import Image

from benchmarks.family import page, plan, plots, results, samples
from training.cli import build_parser
from training.commands.training import RECIPE_OPTIONS
from training.runs import resolve_config


def row(name: str, data: str, seed: int, **values: float) -> dict[str, Any]:
    metrics = {key: {"value": value, "floor": 1.0} for key, value in values.items()}
    return {
        "name": name, "system": name, "data": data, "seed": seed, "kimg": 100, "width": 0.25,
        "generator_steps": 1562, "seconds_per_kimg": 0.6, "measured": "two threads; 2026-01-01",
        "judge": {"test_accuracy": 0.9967},
        "metrics": metrics,
    }  # fmt: skip


@pytest.fixture
def record() -> dict[str, Any]:
    quality = {"frechet_distance": 2.5, "coverage": 0.5, "recall": 0.7, "precision": 0.4}
    better = quality | {"frechet_distance": 1.5}
    return {
        "rows": [
            row("gan", "mnist", 0, **quality, classes_seen=10),
            row("dcgan", "mnist", 0, **quality, classes_seen=10),
            row("dcgan", "mnist", 1, **better, classes_seen=10),
            row("dcgan", "stacked-mnist", 0, classes_seen=640, class_kl=1.23),
        ],
    }


def test_seeds_of_one_system_are_one_row_of_mean_and_spread(record: dict[str, Any]) -> None:
    record["rows"].append(row("dcgan", "stacked-mnist", 1, classes_seen=1000, class_kl=0.5))
    text = page.render(record)
    assert "| dcgan | 2 | 100 | 1,562 | 1.0 | 2.00 ± 0.71 | 0.500 ± 0.000 |" in text
    assert "| gan | 1 | 100 | 1,562 | 1.0 | 2.50 | 0.500 |" in text
    assert "| dcgan | 2 | 100 | 1,562 | 1.0 | 640 / 1,000 | 1.230 / 0.500 |" in text


def test_rows_that_were_measured_elsewhere_are_named(record: dict[str, Any]) -> None:
    record["rows"][3]["measured"] = "a GPU; 2026-02-02"
    text = page.render(record)
    assert "\ntwo threads; 2026-01-01.\n`dcgan`: a GPU; 2026-02-02.\n" in text


def test_every_planned_run_is_one_that_gantrain_takes(tmp_path: Path) -> None:
    for entry in (*plan.MNIST, plan.REGULARISED, *plan.STACKED_MNIST, *plan.MODE_LOSS):
        train = ["train", entry.system, *entry.with_seed(0), "--out", str(tmp_path)]
        given = vars(build_parser().parse_args(train))
        config = resolve_config(
            {name: given[name] for name in ("system", "data", *RECIPE_OPTIONS) if given[name]},
            run_dir=tmp_path, resume=False, device=torch.device("cpu"),
        )  # fmt: skip
        assert config.system == entry.system


def test_real_images_stand_beside_figures_that_only_some_have(record: dict[str, Any]) -> None:
    record["rows"][1]["metrics"]["label_accuracy"] = {"value": 0.9, "floor": 0.99}
    lines = page.render(record).splitlines()
    assert "| 0.990 |" in next(line for line in lines if line.startswith("| real images |"))


def test_figures_older_than_the_weights_are_not_of_them(tmp_path: Path) -> None:
    assert not results.is_measured(tmp_path)
    for name, changed in (("metrics.json", 1), ("final.safetensors", 2)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (changed, changed))
    assert not results.is_measured(tmp_path)
    os.utime(tmp_path / "metrics.json", (3, 3))
    assert results.is_measured(tmp_path)


def test_the_page_is_in_step_with_the_results() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.render(results.load())


def test_previews_stand_side_by_side_the_last_of_each_run(tmp_path: Path) -> None:
    for run, shade in (("a", 10), ("b", 200)):
        (tmp_path / run / "samples").mkdir(parents=True)
        for kimg, value in (("0000010000", 99), ("0000020000", shade)):
            Image.new("L", (16, 8), value).save(tmp_path / run / "samples" / f"{kimg}.png")
    picture = samples.side_by_side([tmp_path / "a", tmp_path / "b"])
    assert picture.size == (16 + samples.GAP + 16, 8)
    assert [picture.getpixel((x, 0)) for x in (15, 16, 24)] == [(10,) * 3, (255,) * 3, (200,) * 3]


def test_a_bar_is_the_mean_of_a_row_and_a_dot_each_seed() -> None:
    rows = [row("a", "stacked-mnist", seed, classes_seen=200 * seed) for seed in (1, 2)]
    rows.append(row("b", "stacked-mnist", 0, classes_seen=900))
    (axes,) = plots.modes(rows).axes
    widths = [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]
    assert widths == [900, 300]  # from the bottom
    assert list(axes.lines[0].get_xdata()) == [200, 400, 900]
