"""The augmentation benchmark learns from what its plan says, and its page is in step with it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.augmentation import learning, material, page, plan, plots, results
from benchmarks.augmentation.__main__ import measure
from benchmarks.augmentation.material import Batches, Source
from training.data.datasets import ImageDataset


def dataset(counts: list[int], *, shade: int = 0) -> ImageDataset:
    """Images of one grey level a class, a little apart from each other."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    noise = torch.randint(10, (len(labels), 1, 8, 8), generator=torch.Generator().manual_seed(0))
    images = (labels[:, None, None, None] * 60 + noise + shade).to(torch.uint8)
    names = tuple("abcdefghij"[: len(counts)])
    return ImageDataset("toy", images, labels, names, "none")


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST of 3 classes, PneumoniaMNIST of 20 and 60 images; generated images are 200 brighter."""
    splits = {plan.MNIST: dataset([40, 40, 40]), plan.PNEUMONIA: dataset([20, 60])}

    def generate(model: str, labels: np.ndarray, *, first_seed: int) -> Tensor:
        return torch.full((len(labels), 1, 8, 8), 200, dtype=torch.uint8)

    monkeypatch.setattr(material, "split_of", lambda data, split, data_dir: splits[data])
    monkeypatch.setattr("benchmarks.augmentation.__main__.split_of", material.split_of)
    monkeypatch.setattr(material, "generate", generate)
    monkeypatch.setattr(plan, "STEPS", 30)


def sources(data: str, arm: str, per_class: int | None = None, seed: int = 0) -> list[Source]:
    arms = (*plan.MNIST_ARMS, *plan.PNEUMONIA_ARMS, plan.GENERATED_ALONE)
    chosen = next(each for each in arms if each.name == arm)
    return material.sources_of(plan.Run(data, chosen, seed, per_class), Path())


@pytest.mark.usefixtures("toy")
def test_a_few_real_images_of_each_class_others_for_another_seed() -> None:
    (first,) = sources(plan.MNIST, "real images alone", 5)
    (again,) = sources(plan.MNIST, "real images alone", 5)
    (other,) = sources(plan.MNIST, "shifted and rotated", 5, seed=1)
    assert first.labels.bincount().tolist() == [5, 5, 5]
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)


@pytest.mark.usefixtures("toy")
def test_generated_images_are_half_of_each_batch_or_all_of_it() -> None:
    batches = Batches(sources(plan.MNIST, "generated added", 5), batch_size=16, seed=0)
    images, labels = batches.next()
    assert (images.flatten(1).float().mean(1) == 200).sum() == 8
    assert len(labels) == 16
    (alone,) = sources(plan.MNIST, "generated images alone", 0)
    assert (alone.images == 200).all()
    assert alone.labels.bincount().tolist() == [plan.POOL_PER_CLASS] * 3


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("kind", ["oversampled", "generated"])
def test_the_minority_is_made_as_frequent_as_the_others(kind: str) -> None:
    pair = sources(plan.PNEUMONIA, f"minority {kind}")
    assert sum(each.share for each in pair) == pytest.approx(1)
    assert pair[1].labels.unique().tolist() == [plan.MINORITY]
    batches = Batches(pair, batch_size=60, seed=0)
    labels = torch.cat([batches.next()[1] for _ in range(20)])
    assert labels.float().mean() == pytest.approx(0.5, abs=0.02)


def test_weights_make_the_classes_count_alike() -> None:
    weights = learning.inverse_frequencies(torch.tensor([0, 1, 1, 1]))
    assert weights.tolist() == pytest.approx([2, 2 / 3])


def test_each_image_is_moved_by_itself_and_not_far() -> None:
    torch.manual_seed(0)
    images = torch.full((4, 1, 32, 32), -1.0)
    images[:, :, 14:18, 14:18] = 1
    moved = learning.moved(images)
    assert moved.shape == images.shape
    assert not torch.allclose(moved[0], moved[1])
    bright = (moved > 0).nonzero()[:, 2:]
    assert bright.min() >= 14 - plan.MAX_SHIFT - 1
    assert bright.max() <= 17 + plan.MAX_SHIFT + 1


@pytest.mark.usefixtures("toy")
def test_a_run_learns_what_can_be_learned_and_repeats() -> None:
    run = plan.Run(plan.PNEUMONIA, plan.PNEUMONIA_ARMS[1], seed=3)
    first, again = measure(run, Path()), measure(run, Path())
    assert first["balanced_accuracy"] > 0.9
    assert 0.9 < first["auc"] <= 1
    assert {**first, "seconds": 0} == {**again, "seconds": 0}


def test_images_are_those_that_are_served_for_their_seeds() -> None:
    labels = np.array([0, 1] * 60)
    images = material.generate("cgan-pneumonia", labels, first_seed=5)
    assert images.shape == (120, 1, 32, 32)
    assert images.dtype == torch.uint8
    assert torch.equal(images[7:9], material.generate("cgan-pneumonia", labels[7:9], first_seed=12))


def test_every_run_has_a_key_of_its_own_and_an_interrupted_benchmark_goes_on(
    tmp_path: Path,
) -> None:
    runs = plan.all_runs()
    assert len({run.key for run in runs}) == len(runs)
    row = results.row_of(runs[0], {"accuracy": 0.123456}, 1.26)
    results.append(tmp_path / "new" / "rows.jsonl", runs[0].key, row)
    assert results.so_far(tmp_path / "new" / "rows.jsonl") == {runs[0].key: row}
    assert results.so_far(tmp_path / "none.jsonl") == {}
    assert (row["accuracy"], row["seconds"]) == (0.12346, 1.3)


@pytest.fixture
def record() -> dict[str, Any]:
    return results.load()


def test_the_page_is_in_step_with_the_results(record: dict[str, Any]) -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.render(record)


def test_the_results_are_of_the_plan(record: dict[str, Any]) -> None:
    planned = {(run.data, run.arm.name, run.per_class, run.seed) for run in plan.all_runs()}
    found = [(r["data"], r["arm"], r["per_class"], r["seed"]) for r in record["rows"]]
    assert set(found) == planned
    assert len(found) == len(planned)


def test_differences_are_of_pairs_of_a_seed(record: dict[str, Any]) -> None:
    for row in record["rows"]:
        if row["arm"] == "class weights":
            (plain,) = [
                each for each in page.of(record["rows"], plan.PNEUMONIA, "as it is")
                if each["seed"] == row["seed"]
            ]  # fmt: skip
            row["balanced_accuracy"] = plain["balanced_accuracy"] + 0.02
    assert "| +2.0 (+2.0 to +2.0) |" in page.render(record)


def test_the_plot_has_a_dot_for_each_seed(record: dict[str, Any]) -> None:
    _, below = plots.both(record["rows"]).axes
    dots = sum(len(line.get_xdata()) for line in below.lines if line.get_marker() == "o")
    assert dots == len(plan.PNEUMONIA_ARMS) * len(plan.PNEUMONIA_SEEDS)
