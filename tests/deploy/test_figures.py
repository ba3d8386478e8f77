"""What a replica counts is passed on to Ray's metrics, each time by how much it has grown."""

import asyncio
from collections import Counter
from pathlib import Path

import numpy as np

from app.metrics import Metrics
from app.registry import Registry
from app.settings import Settings
from contract import LATENT
from deploy.ray.figures import COUNTED, Figures
from deploy.ray.messages import Answer, Task
from deploy.ray.replica import ModelReplica
from tests.live_server import ROOT
from tests.toy_models import make_card, write_model
from tests.waiting import PATIENCE_S


class Counted:
    """What is passed on, by name and version."""

    def __init__(self, metrics: Metrics) -> None:
        self.total = Counter[tuple[str, str]]()
        self._figures = Figures(metrics, self._add)

    def after(self) -> dict[tuple[str, str], float]:
        """All of it by now."""
        self._figures.pass_on()
        return dict(self.total)

    def _add(self, name: str, amount: float, tags: dict[str, str]) -> None:
        assert amount > 0
        assert tags["model"] == "tiny"
        self.total[name, tags["version"]] += amount  # type: ignore[assignment]


def test_only_what_has_grown_is_passed_on() -> None:
    metrics = Metrics()
    counted = Counted(metrics)
    assert counted.after() == {}
    metrics.images_generated.labels("tiny", "1").inc(3)
    metrics.images_generated.labels("tiny", "2").inc(5)
    images = "ganserve_replica_images"
    assert counted.after() == counted.after() == {(images, "1"): 3, (images, "2"): 5}
    metrics.images_generated.labels("tiny", "1").inc(4)
    assert counted.after() == {(images, "1"): 7, (images, "2"): 5}


def test_images_and_runs_of_a_replica_are_counted_those_of_data_sets_too(tmp_path: Path) -> None:
    write_model(tmp_path, make_card("tiny"))
    settings = Settings(models=tmp_path, device="cpu", num_threads=1)

    async def main() -> dict[tuple[str, str], float]:
        replica = ModelReplica("tiny", settings)
        counted = Counted(replica._metrics)
        (model,) = Registry.load(settings).models
        latents = np.zeros((3, model.card.latent_dim), np.float32)
        task = Task(model.digest, {LATENT: latents}, PATIENCE_S, None)
        assert isinstance(await replica.submit(task), Answer)
        assert isinstance(await replica.run_bulk(task), Answer)
        return counted.after()

    figures = asyncio.run(main())
    assert figures.pop(("ganserve_replica_run_seconds", "1")) > 0
    assert figures == {("ganserve_replica_images", "1"): 6, ("ganserve_replica_runs", "1"): 2}


def test_all_of_them_are_documented_as_they_are_shown() -> None:
    page = (ROOT / "docs" / "ray.md").read_text()
    assert not [name for name, _ in COUNTED.values() if f"`ray_{name}_total`" not in page]
