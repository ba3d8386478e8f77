"""What the doctor says, and that what it recommends can be done."""

import shlex
from pathlib import Path

import pytest
from PIL import Image

from tests.training.doctor.patients import config_of, healthy_records, measured, sick
from training.cli import build_parser
from training.commands.training import RECIPE_OPTIONS
from training.config import TrainConfig
from training.devices import choose_device
from training.doctor.catalogue import DISEASES
from training.doctor.command_line import as_options, command_line
from training.doctor.course import Course
from training.doctor.cures import stop_earlier
from training.doctor.diagnosis import findings_ever, findings_now
from training.doctor.disease import Remedy
from training.doctor.plot import draw
from training.doctor.reading import Patient
from training.doctor.telling import explain, verdict_line
from training.runs import resolve_config
from training.systems import list_systems, load_system


def resolved(command: str) -> TrainConfig:
    """The configuration that this command line would train."""
    options = build_parser().parse_args(shlex.split(command)[1:])
    given = {
        name: getattr(options, name)
        for name in ("system", "data", *RECIPE_OPTIONS)
        if getattr(options, name) is not None
    }
    return resolve_config(given, run_dir=options.out, resume=False, device=choose_device("cpu"))


@pytest.mark.parametrize("system", list_systems())
def test_every_remedy_is_a_command_that_is_understood(system: str, tmp_path: Path) -> None:
    data = "unpaired:x" if load_system(system).kind == "translator" else "mnist"
    own = {"data": data, "kimg": 50.5, "seed": 3, "width": 1 / 3, "batch_size": 12}
    for config in (config_of(system, **own), config_of(system, **own, discriminator_lr=0.02)):
        course = measured(Course(config, healthy_records()), {"frechet_distance": [1, 2, 3]})
        for disease in DISEASES:
            if not disease.concerns(course):
                continue
            remedies = disease.remedies(course)
            assert remedies, f"{disease.name} has no remedy for {system}"
            for remedy in remedies:
                told = resolved(command_line(config, remedy, tmp_path / "my run"))
                assert told == config.model_copy(update=_typed(config, remedy))
                assert told != config or not remedy.options


def _typed(config: TrainConfig, remedy: Remedy) -> dict[str, object]:
    """Options as the configuration holds them."""
    return {name: type(getattr(config, name))(value) for name, value in remedy.options.items()}


def test_a_command_names_a_directory_that_is_free_and_only_what_is_not_tuned(
    tmp_path: Path,
) -> None:
    (tmp_path / "run-2").mkdir()
    command = command_line(config_of(kimg=10.0), Remedy("", {"pack": 2}), tmp_path / "run")
    system, *options = command.split(" --")
    assert system == "gantrain train dcgan"
    assert sorted(options) == [
        "data mnist", "kimg 10", f"out {tmp_path}/run-3", "pack 2", "precision fp32", "width 0.25"
    ]  # fmt: skip


def test_a_shorter_run_lets_its_rates_fall_as_much_sooner() -> None:
    course = measured(
        Course(config_of(kimg=400.0, decay_kimg=200.0), healthy_records()),
        {"frechet_distance": [1, 2, 3]},
    )
    kimg = stop_earlier(course).options["kimg"]
    assert stop_earlier(course).options["decay_kimg"] == kimg / 2


def test_a_remedy_is_not_recommended_where_it_cannot_be() -> None:
    def told(course: Course) -> str:
        return " ".join(
            as_options(remedy) for finding in findings_now(course) for remedy in finding.remedies
        )

    collapsed = {"fake_spread": 0.02}
    assert "--pack 2" in told(sick(collapsed))
    assert "--pack 4" in told(sick(collapsed, config=config_of(pack=2)))
    assert "--pack" not in told(sick(collapsed, config=config_of(pack=4)))
    assert "--pack" not in told(sick(collapsed, config=config_of("cgan")))
    assert "--pack" not in told(sick(collapsed, config=config_of(batch_size=63)))
    assert "--r1-gamma 1 --r2-gamma 1" in told(sick(collapsed, config=config_of("cgan")))
    assert "--r1-gamma" not in told(sick(collapsed, config=config_of(r1_gamma=5.0)))
    assert "--instance-noise 0.2" in told(sick(collapsed))
    assert "--generator-lr 0.0002" in told(sick(collapsed, config=config_of(generator_lr=0.01)))
    assert "--generator-lr" not in told(sick(collapsed))
    wins = {"discriminator_loss": 0.001}
    assert "--discriminator-lr 0.0001" in told(sick(wins))


def test_a_tick_tells_what_is_wrong_what_to_try_and_when_it_is_over() -> None:
    findings = findings_now(sick({"fake_spread": 0.02, "told_apart": 0.0}))
    line = verdict_line(findings, before=[])
    assert line is not None
    assert line.startswith("discriminator loses: the discriminator ranks the real above the fake")
    assert "; to try: --discriminator-lr 0.0004 (also: mode collapse)" in line
    assert "\n" not in line
    assert verdict_line([], before=["mode collapse"]) == "healthy again: no more mode collapse"
    assert verdict_line([], before=[]) is None


def test_a_whole_run_is_explained_with_when_why_and_what_to_try(tmp_path: Path) -> None:
    course = sick({"told_apart": 0.0}, since=4)
    patient = Patient(tmp_path / "run", course, is_finished=True)
    told = explain(patient, findings_ever(course))
    assert told[0].endswith("run: dcgan on mnist, finished after 200 kimg, 10 ticks")
    assert told[1].startswith("discriminator loses (fatal: the run will not recover by itself), ")
    assert "from 140 kimg to 200 kimg" in told[1]
    assert told[-1].startswith("to try first:\n  gantrain train dcgan --data mnist --out ")


def test_a_disease_that_is_over_is_told_as_such() -> None:
    course = sick({"told_apart": [0.0] * 4 + [0.9] * 4}, since=2)
    told = "\n".join(explain(Patient(Path("r"), course, is_finished=False), findings_ever(course)))
    assert "discriminator loses, from 100 kimg to 120 kimg, over by 200 kimg" in told
    assert "healthy at 200 kimg" in told
    assert "to try first" not in told


@pytest.mark.parametrize("num_ticks", [1, 10])
def test_the_plot_is_a_picture_of_whatever_there_is(num_ticks: int, tmp_path: Path) -> None:
    signals = {"fake_spread": 0.0, "generator_gradient_norm": 0.0, "real_logits": 1e99}
    course = measured(sick(signals, since=0), {"frechet_distance": [3.0], "coverage": [0.2]})
    course = course.until(num_ticks - 1)
    path = draw(Patient(tmp_path, course, is_finished=False), findings_ever(course))
    assert path == tmp_path / "doctor.png"
    with Image.open(path) as picture:
        assert picture.width == 1000
        assert 500 < picture.height < 1500
