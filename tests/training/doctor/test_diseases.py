"""Each disease on records made up for it: it shows beyond its threshold, and not before."""

import pytest

from tests.training.doctor.patients import (
    HEALTHY_RUNS,
    config_of,
    healthy_records,
    measured,
    names_ever,
    names_now,
    sick,
)
from training.doctor.catalogue import DISEASES
from training.doctor.course import Course
from training.doctor.disease import WARM_UP_STEPS
from training.doctor.variety import NUM_MEASURED, POOR_STEPS
from training.evaluation.schedule import NUM_IMAGES

MINIMAX = config_of("gan", loss="minimax")
NON_SATURATING = config_of("gan", loss="non-saturating")
CGAN = config_of("cgan")
WGAN_GP = config_of("wgan-gp", discriminator_steps=1)
CYCLEGAN = config_of("cyclegan", data="unpaired:x")


@pytest.mark.parametrize("run", HEALTHY_RUNS)
def test_healthy_runs_have_no_disease_at_any_tick(run: str) -> None:
    config = config_of(run.partition(",")[0])
    assert names_ever(Course(config, healthy_records(run))) == []


@pytest.mark.parametrize(
    ("name", "signals", "config"),
    [
        ("wrongly scaled data", {"real_low": -1.0, "real_high": -0.51}, None),
        ("fakes out of range", {"fake_high": 1.01}, None),
        ("saturated fakes", {"fake_saturated": 0.945}, None),
        ("diverging", {"real_logits": 51.0}, None),
        ("diverging", {"fake_logits": -11.0}, CYCLEGAN),
        ("diverging", {"real_logits": 120.0, "fake_logits": 5.0}, WGAN_GP),
        ("learning rate too high", {"discriminator_loss": 1.44, "told_apart": 0.55}, None),
        ("vanishing gradients", {"generator_gradient_norm": 1e-7}, None),
        ("discriminator loses", {"told_apart": 0.09}, None),
        ("discriminator wins", {"discriminator_loss": 0.06}, None),
        ("mode collapse", {"fake_spread": 0.08}, None),
        ("mode collapse", {"fake_spread": 0.08}, CYCLEGAN),
        ("class collapse", {"fake_spread": 0.08}, CGAN),
        ("oscillating", {"discriminator_loss": [0.2, 1.2] * 4}, None),
    ],
)
def test_a_disease_shows_in_its_signals(name: str, signals: dict, config: object) -> None:
    course = sick(signals, since=2, config=config)
    assert names_now(course) == [name]
    assert name in names_ever(course)


@pytest.mark.parametrize(
    ("signals", "config"),
    [
        ({"real_low": -1.0, "real_high": -0.49}, None),
        ({"fake_high": 1.0005, "fake_low": -1.0005}, None),
        ({"fake_saturated": 0.935}, None),
        ({"fake_saturated": 1.0, "real_saturated": 0.99}, None),  # black and white images
        ({"real_logits": 49.0}, None),
        ({"real_logits": 1e4, "fake_logits": 1e4 - 10}, WGAN_GP),  # where zero is means nothing
        ({"discriminator_loss": 1.42, "told_apart": 0.55}, None),
        ({"discriminator_loss": 1.6, "told_apart": 0.45}, None),
        ({"generator_loss": -0.01}, NON_SATURATING),
        ({"generator_loss": -0.03, "generator_gradient_norm": 0.01}, MINIMAX),
        ({"generator_loss": -0.01, "generator_gradient_norm": 20.0}, MINIMAX),
        ({"told_apart": 0.11}, None),
        ({"discriminator_loss": 0.08}, None),
        ({"discriminator_loss": 1e-9}, WGAN_GP),  # a critic has nothing to win
        ({"fake_spread": 0.18}, None),
        ({"discriminator_loss": [0.4, 0.75] * 4}, None),
        ({"discriminator_loss": [0.1, 0.3, 0.6, 0.9, 1.2, 0.9, 0.6, 0.3]}, None),
    ],
)
def test_below_its_threshold_there_is_none(signals: dict, config: object) -> None:
    assert names_now(sick(signals, since=2, config=config)) == []


def test_a_flat_minimax_loss_is_a_vanishing_gradient_and_not_only_a_discriminator_that_wins() -> (
    None
):
    signals = {
        "discriminator_loss": 0.001,
        "generator_loss": -0.0005,
        "generator_gradient_norm": 0.01,
    }
    assert names_now(sick(signals, config=MINIMAX)) == ["vanishing gradients"]
    assert names_now(sick(signals, config=NON_SATURATING)) == ["discriminator wins"]


def test_fakes_that_grow_more_different_have_not_collapsed() -> None:
    growing = {"fake_spread": [0.03, 0.033, 0.038, 0.045, 0.052, 0.06, 0.067, 0.075]}
    assert names_now(sick(growing, since=2)) == []
    for fading in (growing["fake_spread"][::-1], [1e-9 * 2**tick for tick in range(8)]):
        assert names_now(sick({"fake_spread": fading}, since=2)) == ["mode collapse"]


def test_more_variety_is_asked_of_a_run_that_is_older() -> None:
    third = sick({"fake_spread": 0.12}, since=0)
    assert third.until(5).generator_steps < POOR_STEPS <= third.until(6).generator_steps
    assert names_now(third.until(5)) == []
    assert names_now(third.until(6)) == ["mode collapse"]


@pytest.mark.parametrize(
    ("name", "metrics", "system"),
    [
        ("mode collapse", {"class_diversity": [0.39, 0.31]}, "dcgan"),
        ("class collapse", {"class_diversity": [0.39, 0.31]}, "cgan"),
        ("lost classes", {"class_kl": [0.2, 0.4, 0.4], "classes_seen": [10, 9, 9]}, "dcgan"),
        ("lost classes", {"class_kl": [0.1, 0.2, 0.2], "classes_seen": [10, 7, 7]}, "dcgan"),
        ("wrong classes", {"label_accuracy": [0.4, 0.45]}, "cgan"),
        ("getting worse", {"frechet_distance": [9.0, 2.0, 3.1, 3.2]}, "dcgan"),
        ("getting worse", {"pair_error_a2b": [9.0, 2.0, 3.1, 3.2]}, "cyclegan"),
    ],
)
def test_a_disease_shows_in_two_measurements(name: str, metrics: dict, system: str) -> None:
    course = sick({}, config=config_of(system))
    assert names_now(measured(course, metrics)) == [name]


@pytest.mark.parametrize(
    ("metrics", "system"),
    [
        ({"class_diversity": [0.31]}, "dcgan"),
        ({"class_diversity": [0.31, 0.41]}, "dcgan"),
        ({"class_kl": [0.4, 0.25], "classes_seen": [10, 9]}, "dcgan"),
        ({"class_kl": [0.5, 0.45], "classes_seen": [860, 850]}, "dcgan"),  # stacked-mnist, healthy
        ({"class_kl": [0.5, 0.45], "classes_seen": [8, 8]}, "cgan"),  # it has wrong classes, if any
        ({"label_accuracy": [0.4, 0.6]}, "cgan"),
        ({"frechet_distance": [9.0, 2.0, 2.9, 2.8]}, "dcgan"),
        ({"frechet_distance": [9.0, 2.0, 3.5, 2.8]}, "dcgan"),
        ({"frechet_distance": [2.0, 4.0]}, "dcgan"),
    ],
)
def test_one_bad_measurement_is_none(metrics: dict, system: str) -> None:
    assert names_now(measured(sick({}, config=config_of(system)), metrics)) == []


def test_what_so_few_measured_images_add_is_reckoned_with_as_they_are() -> None:
    assert NUM_MEASURED == NUM_IMAGES


@pytest.mark.parametrize(
    "signals",
    [{"told_apart": 0.01}, {"discriminator_loss": 0.01}, {"fake_spread": 0.01}],
)
def test_a_run_that_has_hardly_begun_is_not_judged(signals: dict) -> None:
    config = config_of(batch_size=500)  # 40 steps a tick
    course = sick(signals, since=0, config=config)
    assert course.generator_steps < WARM_UP_STEPS
    assert names_now(course) == []


def test_the_data_is_judged_at_the_first_tick() -> None:
    course = sick({"real_low": -1.0, "real_high": -0.99}, since=0).until(0)
    assert names_now(course) == ["wrongly scaled data"]


def test_what_was_healthy_by_then_is_not_judged_by_what_came_later() -> None:
    course = sick({"told_apart": 0.01}, since=5)
    assert [names_now(course.until(tick)) for tick in (4, 5, 6)] == [[], [], []]
    assert names_now(course.until(7)) == ["discriminator loses"]


def test_the_names_and_meanings_are_each_another() -> None:
    assert len({disease.name for disease in DISEASES}) == len(DISEASES)
    assert all(disease.meaning and not disease.meaning.endswith(".") for disease in DISEASES)
