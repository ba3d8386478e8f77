"""Made-up courses: the rounded signals of real healthy runs on MNIST, to be made sick."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from training.config import TrainConfig
from training.doctor.course import Course
from training.doctor.diagnosis import findings_ever, findings_now
from training.systems import load_system

TICK = 20_000  # images
MNIST = {"real_spread": 0.343, "real_low": -1.0, "real_high": 1.0, "real_saturated": 0.758}

# Signals of every second tick of 200 kimg: dcgan at quarter width as it is, with the generator's
# learning rate four times that of the discriminator, with R1 of gamma 1; gan at full width.
HEALTHY_RUNS: dict[str, dict[str, list[float]]] = {
    "dcgan": {
        "discriminator_loss": [0.30, 0.47, 0.57, 0.45, 0.48, 0.43, 0.44, 0.46, 0.53, 0.42],
        "generator_loss": [3.7, 2.8, 2.6, 2.3, 2.3, 2.3, 2.3, 2.4, 2.4, 2.5],
        "generator_gradient_norm": [23, 15, 17, 18, 20, 22, 23, 24, 25, 26],
        "real_logits": [3.1, 2.2, 2.2, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.1],
        "fake_logits": [-2.9, -2.2, -2.2, -2.0, -1.9, -2.0, -2.0, -2.0, -2.0, -2.1],
        "fake_spread": [0.19, 0.29, 0.32, 0.33, 0.34, 0.34, 0.34, 0.34, 0.34, 0.34],
        "told_apart": [0.99, 0.98, 0.97, 0.97, 0.96, 0.97, 0.97, 0.96, 0.96, 0.97],
        "fake_saturated": [0.1, 0.5, 0.6, 0.65, 0.7, 0.7, 0.7, 0.7, 0.72, 0.73],
    },
    "dcgan, generator's rate times 4": {
        "discriminator_loss": [1.01, 0.89, 0.92, 0.91, 0.89, 0.88, 0.90, 0.95, 0.89, 0.85],
        "generator_loss": [1.2, 1.3, 1.3, 1.3, 1.3, 1.4, 1.4, 1.4, 1.4, 1.4],
        "generator_gradient_norm": [4.5, 4.9, 7.2, 8, 8.6, 9.3, 9.4, 9.4, 9.4, 10],
        "real_logits": [0.52, 0.75, 0.72, 0.75, 0.79, 0.8, 0.82, 0.79, 0.86, 0.93],
        "fake_logits": [-0.52, -0.72, -0.71, -0.75, -0.78, -0.8, -0.8, -0.77, -0.84, -0.91],
        "fake_spread": [0.26, 0.32, 0.34, 0.34, 0.34, 0.34, 0.34, 0.34, 0.34, 0.34],
        "told_apart": [0.8, 0.85, 0.85, 0.85, 0.86, 0.86, 0.86, 0.86, 0.87, 0.87],
        "fake_saturated": [0.3, 0.6, 0.65, 0.7, 0.7, 0.7, 0.72, 0.73, 0.75, 0.75],
    },
    "dcgan, R1": {
        "discriminator_loss": [0.49, 0.57, 0.76, 0.91, 0.97, 1.01, 1.04, 1.08, 1.10, 1.11],
        "generator_loss": [1.81, 1.59, 1.31, 1.13, 1.07, 1.04, 1.01, 0.98, 0.96, 0.95],
        "generator_gradient_norm": [6.7, 5.3, 4.8, 4.1, 3.8, 3.5, 3.4, 3.2, 3.1, 2.9],
        "real_logits": [1.4, 1.2, 0.84, 0.61, 0.52, 0.47, 0.43, 0.38, 0.35, 0.33],
        "fake_logits": [-1.4, -1.2, -0.86, -0.61, -0.51, -0.47, -0.43, -0.38, -0.36, -0.33],
        "fake_spread": [0.22, 0.31, 0.34, 0.34, 0.34, 0.34, 0.35, 0.34, 0.34, 0.34],
        "told_apart": [0.97, 0.95, 0.88, 0.82, 0.78, 0.77, 0.75, 0.73, 0.72, 0.71],
        "fake_saturated": [0.1, 0.4, 0.6, 0.65, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7],
    },
    "gan": {
        "discriminator_loss": [1.28, 1.28, 1.26, 1.27, 1.28, 1.28, 1.28, 1.28, 1.28, 1.28],
        "generator_loss": [0.90, 0.93, 0.97, 0.95, 0.90, 0.91, 0.91, 0.90, 0.90, 0.90],
        "generator_gradient_norm": [1.4, 1.2, 1.2, 1.1, 0.98, 0.99, 0.99, 1.0, 1.0, 1.0],
        "real_logits": [0.35, 0.27, 0.29, 0.27, 0.23, 0.23, 0.22, 0.21, 0.21, 0.21],
        "fake_logits": [0.01, -0.12, -0.18, -0.18, -0.17, -0.18, -0.18, -0.17, -0.17, -0.17],
        "fake_spread": [0.29, 0.33, 0.34, 0.34, 0.34, 0.34, 0.34, 0.34, 0.34, 0.34],
        "told_apart": [0.81, 0.80, 0.79, 0.76, 0.73, 0.73, 0.73, 0.72, 0.71, 0.71],
        "fake_saturated": [0.16, 0.33, 0.43, 0.49, 0.53, 0.56, 0.59, 0.60, 0.61, 0.61],
    },
}  # fmt: skip
NUM_TICKS = 10


def config_of(system: str = "dcgan", **values: Any) -> TrainConfig:
    """A configuration of that system with its tuned defaults."""
    given = {"system": system, "data": "mnist", "width": 0.25, "precision": "fp32", "seed": 0}
    wanted = asdict(load_system(system).defaults) | given | values
    wanted["decay_kimg"] = min(wanted["decay_kimg"], wanted["kimg"])
    return TrainConfig.resolve(wanted)


def healthy_records(run: str = "dcgan", num_ticks: int = NUM_TICKS) -> list[dict[str, Any]]:
    signals = HEALTHY_RUNS[run]
    return [
        {
            "kimg": (tick + 1) * TICK / 1000,
            "images_shown": (tick + 1) * TICK,
            "fake_low": -1.0,
            "fake_high": 1.0,
            **MNIST,
            **{name: values[tick] for name, values in signals.items()},
        }
        for tick in range(num_ticks)
    ]


def sick(
    signals: Mapping[str, Any], *, since: int = 5, config: TrainConfig | None = None
) -> Course:
    """A healthy course but for these signals from tick ``since`` on, one value or one a tick."""
    records = healthy_records()
    for number, record in enumerate(records[since:]):
        for name, value in signals.items():
            record[name] = value[number] if isinstance(value, list) else value
    return Course(config or config_of(), records)


def measured(course: Course, metrics: Mapping[str, list[float]]) -> Course:
    """The same with metrics at its last ticks."""
    num_measured = len(next(iter(metrics.values())))
    for number, record in enumerate(course.records[-num_measured:]):
        record["metrics"] = {name: values[number] for name, values in metrics.items()}
    return course


def names_now(course: Course) -> list[str]:
    return [finding.disease.name for finding in findings_now(course)]


def names_ever(course: Course) -> list[str]:
    return [finding.disease.name for finding in findings_ever(course)]
