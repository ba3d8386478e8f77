"""Whole runs: what they leave behind, how they stop, resume and refuse."""

import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.training.conftest import (
    TINY_KIMG,
    Gantrain,
    really_save_plot,
    start_training,
    stats,
)
from training.checkpoints import BEST, CHECKPOINT, FINAL
from training.config import FILENAME, TrainConfig
from training.reports import LOSS_PLOT, SAMPLES, Reporter
from training.runs import resolve_config
from training.systems import list_systems, load_system


def test_a_run_leaves_weights_configuration_statistics_and_pictures(
    train_tiny: Gantrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Reporter, "_save_plot", really_save_plot)
    finished = tmp_path / "run"
    assert train_tiny("dcgan", finished) == 0
    assert TrainConfig.load(finished).system == "dcgan"
    records = stats(finished)
    assert [record["images_shown"] for record in records] == [80, 160, 240, 320]
    assert {"discriminator_loss", "generator_loss", "real_logits", "fake_spread"} <= set(records[0])
    samples = sorted((finished / SAMPLES).iterdir())
    with Image.open(samples[-1]) as grid, Image.open(finished / LOSS_PLOT) as plot:
        assert grid.size == (64, 64)
        assert plot.width > 400
    assert list((finished / "tensorboard").iterdir())


@pytest.mark.parametrize("system", list_systems())
def test_half_and_half_is_the_whole_bit_for_bit(
    system: str, train_tiny: Gantrain, tmp_path: Path
) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert train_tiny(system, whole) == 0
    assert train_tiny(system, halves, "--kimg", TINY_KIMG / 2) == 0
    assert train_tiny(system, halves, "--resume") == 0
    for name in (CHECKPOINT, FINAL):
        assert (halves / name).read_bytes() == (whole / name).read_bytes()
    assert [record["images_shown"] for record in stats(halves)] == [80, 160, 240, 320]


def test_the_seed_decides_the_weights(train_tiny: Gantrain, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert train_tiny("dcgan", tmp_path / name, "--seed", seed, "--kimg", 0.08) == 0
    a, b, c = ((tmp_path / name / FINAL).read_bytes() for name in "abc")
    assert a == b != c


def test_training_moves_the_average_away_from_where_it_began(finished: Path) -> None:
    tensors = load_file(finished / CHECKPOINT)
    name = "generator_ema.0.weight"
    assert not torch.equal(tensors[name], tensors["generator.0.weight"])
    assert tensors[name].isfinite().all()


@pytest.fixture(scope="module")
def undisturbed(train_tiny: Gantrain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run_dir = tmp_path_factory.mktemp("undisturbed") / "run"
    assert train_tiny("cgan", run_dir, "--kimg", 1.6) == 0
    return run_dir


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_stopped_by_a_signal_can_be_finished_as_if_undisturbed(
    number: signal.Signals, undisturbed: Path, train_tiny: Gantrain, tmp_path: Path
) -> None:
    stopped = tmp_path / "stopped"
    process = start_training("cgan", stopped, "--kimg", "1.6")
    assert process.stdout is not None
    for line in process.stdout:
        if "s/kimg" in line:
            break
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"stopped by {number.name}, saved; the same command with --resume" in output
    assert not (stopped / FINAL).exists()

    assert train_tiny("cgan", stopped, "--resume", "--kimg", 1.6) == 0
    for name in (CHECKPOINT, FINAL):
        assert (stopped / name).read_bytes() == (undisturbed / name).read_bytes()


def test_resuming_a_finished_run_changes_nothing(
    finished: Path, train_tiny: Gantrain, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    assert train_tiny("dcgan", finished, "--resume") == 0
    assert train_tiny("dcgan", finished, "--resume", "--kimg", TINY_KIMG / 2) == 0
    assert capsys.readouterr().out.count(f"is finished: {TINY_KIMG} kimg; nothing to do") == 2
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_run_may_be_ended_sooner_but_not_before_where_it_is(
    train_tiny: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sooner, planned = tmp_path / "sooner", tmp_path / "planned"
    assert train_tiny("dcgan", sooner, "--kimg", TINY_KIMG / 2) == 0
    (sooner / FINAL).unlink()
    assert train_tiny("dcgan", sooner, "--resume", "--kimg", TINY_KIMG / 4) == 1
    assert "has shown 0.16 kimg already; it cannot end at 0.08" in capsys.readouterr().err
    assert train_tiny("dcgan", sooner, "--resume", "--kimg", TINY_KIMG * 0.75) == 0
    assert train_tiny("dcgan", planned, "--kimg", TINY_KIMG * 0.75) == 0
    assert (sooner / FINAL).read_bytes() == (planned / FINAL).read_bytes()


def test_learning_rates_fall_at_the_end_alone() -> None:
    config = TrainConfig.resolve(
        asdict(load_system("dcgan").defaults)
        | {"system": "dcgan", "data": "digits", "image_size": 32, "width": 1.0, "seed": 0}
        | {"precision": "fp32", "kimg": 10.0, "decay_kimg": 4.0}
    )
    assert [config.lr_factor(shown) for shown in (0, 6000, 8000, 9000)] == [1, 1, 0.5, 0.25]


def test_a_run_whose_learning_rates_fall_resumes_exactly_and_ends_where_it_should(
    train_tiny: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decaying = ("--decay-kimg", TINY_KIMG / 2)
    whole, constant, stopped = (tmp_path / name for name in ("whole", "constant", "stopped"))
    assert train_tiny("dcgan", whole, *decaying) == 0
    assert train_tiny("dcgan", constant) == 0
    assert (whole / FINAL).read_bytes() != (constant / FINAL).read_bytes()

    slow = ("--kimg", "1.6", "--decay-kimg", "1.6")
    process = start_training("dcgan", stopped, *slow)
    assert process.stdout is not None
    next(line for line in process.stdout if "s/kimg" in line)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert train_tiny("dcgan", stopped, "--resume", *slow, "--kimg", 3.2) == 1
    assert "it cannot end at 3.2" in capsys.readouterr().err
    assert train_tiny("dcgan", stopped, "--resume", *slow) == 0
    assert train_tiny("dcgan", tmp_path / "same", *slow) == 0
    assert (stopped / FINAL).read_bytes() == (tmp_path / "same" / FINAL).read_bytes()


def test_resuming_nothing_starts_from_the_beginning(train_tiny: Gantrain, tmp_path: Path) -> None:
    assert train_tiny("dcgan", tmp_path / "new", "--resume") == 0
    assert (tmp_path / "new" / FINAL).exists()


def test_weights_of_an_earlier_attempt_are_not_the_best_of_this_one(
    finished: Path, train_tiny: Gantrain
) -> None:
    (finished / CHECKPOINT).unlink()
    (finished / FINAL).rename(finished / BEST)
    assert train_tiny("dcgan", finished, "--resume") == 0
    assert (finished / FINAL).exists()
    assert not (finished / BEST).exists()


def test_a_run_that_ends_before_its_first_measurement_says_so(
    train_tiny: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train_tiny("dcgan", tmp_path / "run", "--evaluate-kimg", 7) == 0
    assert "it ends before --evaluate-kimg 7" in capsys.readouterr().out


def test_other_hyper_parameters_are_refused_with_the_difference(
    finished: Path, train_tiny: Gantrain, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (finished / FILENAME).read_bytes()
    assert train_tiny("dcgan", finished, "--resume", "--width", 0.1, "--seed", 9) == 1
    message = capsys.readouterr().err
    assert "width: 0.05 -> 0.1; seed: 0 -> 9" in message
    assert (finished / FILENAME).read_bytes() == before


def test_a_taken_directory_is_not_overwritten(
    finished: Path, train_tiny: Gantrain, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train_tiny("dcgan", finished) == 1
    assert "already holds a run; continue it with --resume" in capsys.readouterr().err


def test_other_data_under_the_same_name_is_refused(
    gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for shade in (10, 200):
        Image.new("L", (8, 8), shade).save(folder / f"{shade}.png")
    command = (
        "train", "dcgan", "--data", f"folder:{folder}", "--out", tmp_path / "run", "--width",
        "0.05", "--image-size", "8", "--batch-size", "4", "--device", "cpu",
    )  # fmt: skip
    assert gantrain(*command, "--kimg", 0.008) == 0
    Image.new("L", (8, 8), 77).save(folder / "more.png")
    assert gantrain(*command, "--kimg", 0.016, "--resume") == 1
    assert "was trained on other data: fingerprint" in capsys.readouterr().err


def test_a_dry_run_prints_configuration_and_parameter_counts_and_writes_nothing(
    gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("train", "dcgan", "--data", "digits", "--out", tmp_path / "run", "--dry-run")
    assert gantrain(*command) == 0
    output = capsys.readouterr().out
    assert '"generator_lr": 0.0002' in output
    assert "generator: 3,444,480 parameters" in output
    assert "discriminator: 2,633,216 parameters" in output
    assert list(tmp_path.iterdir()) == []


def test_labels_are_needed_for_a_conditional_system(
    gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    assert gantrain("train", "cgan", "--data", f"folder:{tmp_path}", "--out", tmp_path / "r") == 1
    assert "'cgan' needs classes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--width", "0", "width: Input should be greater than 0, not 0.0"),
        ("--kimg", "-1", "kimg: Input should be greater than 0, not -1.0"),
        ("--kimg", "0.001", "kimg 0.001 is less than one turn of the generator, which takes 16"),
        ("--discriminator-steps", "30", "kimg 0.32 is less than one turn of the generator, which"),
        ("--decay-kimg", "1", "decay_kimg 1 is longer than the whole run of 0.32 kimg"),
        ("--pack", "3", "batch_size 16 is no multiple of pack 3"),
        ("--loss", "hinge", "loss: Input should be 'non-saturating'"),
        ("--evaluate-kimg", "-1", "--evaluate-kimg must be 0 or above"),
        ("--batch-size", "1", "batch_size: Input should be greater than or equal to 2, not 1"),
        ("--image-size", "30", "image_size: Input should be 8, 16, 32, 64, 128 or 256, not 30"),
        ("--image-size", "-8", "image_size: Input should be 8"),
        ("--precision", "fp16", "precision: Input should be 'fp32' or 'bf16'"),
        ("--seed", "-1", "seed: Input should be greater than or equal to 0, not -1"),
        ("--generator-lr", "nan", "generator_lr: Input should be"),
        ("--tick-kimg", "0", "--tick-kimg must be above 0"),
        ("--tick-kimg", "nan", "--tick-kimg must be above 0"),
        ("--data", "cifar", "'cifar' is not one of"),
    ],
)
def test_options_out_of_range_are_named(
    option: str, value: str, complaint: str, train_tiny: Gantrain, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert train_tiny("dcgan", tmp_path / "run", option, value) == 1
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("system", "option", "value"),
    [
        ("cgan", "--pack", 2),
        ("dcgan", "--cycle-weight", 10),
        ("cyclegan", "--pack", 2),
        ("cyclegan", "--latent-dim", 100),
        ("cyclegan", "--r1-gamma", 1),
    ],
)
def test_an_option_without_meaning_for_the_system_is_refused(
    system: str, option: str, value: float, train_tiny: Gantrain, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert train_tiny(system, tmp_path / "run", option, value) == 1
    name = option.removeprefix("--").replace("-", "_")
    assert f"{name} {value} has no meaning for system {system!r}" in capsys.readouterr().err


def test_every_choice_of_the_rules_trains_and_resumes_exactly(
    train_tiny: Gantrain, tmp_path: Path
) -> None:
    rules = (
        "--pack", 2, "--loss", "least-squares", "--r1-gamma", 1, "--r2-gamma", 0.5,
        "--gradient-penalty", 1, "--penalty-interval", 3, "--weight-clip", 0.5,
        "--optimizer", "rmsprop", "--discriminator-steps", 2,
    )  # fmt: skip
    assert train_tiny("dcgan", tmp_path / "whole", *rules) == 0
    assert train_tiny("dcgan", tmp_path / "halves", *rules, "--kimg", TINY_KIMG / 2) == 0
    assert train_tiny("dcgan", tmp_path / "halves", *rules, "--resume") == 0
    whole, halves = ((tmp_path / name / CHECKPOINT).read_bytes() for name in ("whole", "halves"))
    assert whole == halves


@pytest.mark.parametrize(("system", "data"), [("cyclegan", "digits"), ("dcgan", "unpaired:x")])
def test_data_of_the_wrong_kind_is_refused(
    system: str, data: str, gantrain: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gantrain("train", system, "--data", data, "--out", tmp_path / "run") == 1
    assert f"not data {data!r}" in capsys.readouterr().err


def test_a_shorter_run_lets_its_learning_rates_fall_sooner(tmp_path: Path) -> None:
    given = {"system": "cyclegan", "data": "colourise:x", "kimg": 20.0}
    config = resolve_config(given, run_dir=tmp_path, resume=False, device=torch.device("cpu"))
    assert config.decay_kimg == 10


def test_an_unusable_run_directory_is_named(
    train_tiny: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert train_tiny("dcgan", tmp_path / "file" / "run") == 1
    assert "file/run cannot be written" in capsys.readouterr().err


def test_the_list_names_every_system_and_data_set(
    gantrain: Gantrain, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gantrain("list") == 0
    output = capsys.readouterr().out
    for name in (*list_systems(), "digits", "mnist", "fashion-mnist", "folder:PATH"):
        assert name in output


def test_the_module_is_the_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "training", "list"], capture_output=True, text=True, check=True
    )
    assert "dcgan" in result.stdout
