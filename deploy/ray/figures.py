"""What a replica counts, for Ray's own metrics: by how much it has grown. Knows no Ray.

``/metrics`` is of an ingress; what only replicas see is shown by the agent of their node.
"""

from collections.abc import Callable

from app.metrics import Metrics

TAGS = ("model", "version")

COUNTED = {
    "ganserve_images_generated_total": (
        "ganserve_replica_images",
        "Images computed, those of data sets too",
    ),
    "ganserve_batch_size_images_count": ("ganserve_replica_runs", "Runs of a model"),
    "ganserve_inference_duration_seconds_sum": (
        "ganserve_replica_run_seconds",
        "Seconds of runs of a model, its latents included",
    ),
}
"""What is shown of ``app.metrics``: name and meaning, by the name of the sample."""

Add = Callable[[str, float, dict[str, str]], object]


class Figures:
    """Counters of a registry, passed on now and then."""

    def __init__(self, metrics: Metrics, add: Add) -> None:
        """``add`` takes a name of ``COUNTED``, an amount above 0, and the tags."""
        self._registry, self._add = metrics.registry, add
        self._before: dict[tuple[str, tuple[str, ...]], float] = {}

    def pass_on(self) -> None:
        """What has been counted since the last time."""
        for family in self._registry.collect():
            for sample in family.samples:
                if sample.name not in COUNTED:
                    continue
                name, _ = COUNTED[sample.name]
                key = name, tuple(sample.labels[tag] for tag in TAGS)
                grown = sample.value - self._before.get(key, 0.0)
                if grown > 0:
                    self._before[key] = sample.value
                    self._add(name, grown, {tag: sample.labels[tag] for tag in TAGS})
