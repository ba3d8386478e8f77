"""Runs that meet a full disk, a crash, torn files or losses that are not finite."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.conftest import TINY_KIMG, Gantrain, stats
from training.checkpoints import CHECKPOINT, FINAL, load_checkpoint, save_checkpoint
from training.config import FILENAME
from training.errors import TrainingError
from training.interrupts import StopRequest
from training.objectives import LOSSES, Objective
from training.reports import STATS


def test_a_loss_that_is_not_finite_stops_the_run_before_it_is_saved(
    train_tiny: Gantrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert train_tiny("dcgan", tmp_path / "run") == 0
    good = (tmp_path / "run" / CHECKPOINT).read_bytes()
    healthy = LOSSES["non-saturating"]
    sick = Objective(healthy.discriminator, lambda logits: logits.mean() * torch.nan)
    monkeypatch.setitem(LOSSES, "non-saturating", sick)
    assert train_tiny("dcgan", tmp_path / "run", "--resume", "--kimg", 2 * TINY_KIMG) == 1
    assert "is not a finite number" in capsys.readouterr().err
    assert "generator_loss" in stats(tmp_path / "run")[-1]["not_finite"]
    assert (tmp_path / "run" / CHECKPOINT).read_bytes() == good


def test_a_full_disk_leaves_the_last_good_checkpoint(
    train_tiny: Gantrain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert train_tiny("dcgan", run) == 0
    good = (run / CHECKPOINT).read_bytes()

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(good) // 2, limits[1]))  # no larger file
    try:
        assert train_tiny("dcgan", run, "--resume", "--kimg", 2 * TINY_KIMG) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    message = capsys.readouterr().err
    assert "File too large" in message
    assert "the last good one is still there" in message
    assert (run / CHECKPOINT).read_bytes() == good
    assert not list(run.glob(".*partial*"))


def test_an_interrupted_extension_is_not_finished(
    finished: Path, train_tiny: Gantrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise TrainingError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr("training.reports.Reporter.tick", crash)
        assert train_tiny("dcgan", finished, "--resume", "--kimg", 2 * TINY_KIMG) == 1
    assert not (finished / FINAL).exists()
    assert train_tiny("dcgan", finished, "--resume", "--kimg", 2 * TINY_KIMG) == 0
    assert train_tiny("dcgan", tmp_path / "whole", "--kimg", 2 * TINY_KIMG) == 0
    assert (finished / FINAL).read_bytes() == (tmp_path / "whole" / FINAL).read_bytes()


def test_a_signal_at_any_moment_is_followed_by_a_checkpoint(
    train_tiny: Gantrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class LateSignal(StopRequest):
        """Arrives while the loop looks at it for the second time."""

        looks = 0

        def __bool__(self) -> bool:
            self.looks += 1
            if self.looks == 2:
                self.signal_number = signal.SIGTERM
            return self.looks >= 2

    @contextmanager
    def stop_late(**_: object) -> Iterator[StopRequest]:
        yield LateSignal()

    monkeypatch.setattr("training.interrupts.stop_on_signal", stop_late)
    assert train_tiny("dcgan", tmp_path / "run") == 128 + signal.SIGTERM
    (record,) = stats(tmp_path / "run")
    tensors = load_file(tmp_path / "run" / CHECKPOINT)
    assert record["images_shown"] == 32
    assert tensors["generator_optimizer.0.step"] == 2


def test_a_torn_record_is_forgotten(finished: Path, train_tiny: Gantrain) -> None:
    path = finished / STATS
    path.write_bytes(path.read_bytes()[:-20] + b"\n\xff\n[]\n{}\n")
    assert train_tiny("dcgan", finished, "--resume", "--kimg", 2 * TINY_KIMG) == 0
    shown = [record["images_shown"] for record in stats(finished)]
    assert shown == [80, 160, 240, 400, 480, 560, 640]


def test_a_checkpoint_without_its_configuration_is_not_continued(
    finished: Path, train_tiny: Gantrain, capsys: pytest.CaptureFixture[str]
) -> None:
    (finished / FILENAME).unlink()
    for options in ((), ("--resume",)):
        assert train_tiny("dcgan", finished, *options) == 1
        assert "no config.json that says how it was made" in capsys.readouterr().err


@pytest.mark.parametrize("value", ['"x"', "null", "[0.5]", "1e400"])
def test_a_damaged_configuration_is_an_error_not_a_crash(
    value: str, finished: Path, train_tiny: Gantrain, capsys: pytest.CaptureFixture[str]
) -> None:
    path = finished / FILENAME
    path.write_text(path.read_text().replace("0.05", value))
    assert train_tiny("dcgan", finished, "--resume") == 1
    assert "is not of this version: width" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["rng.cpu", "discriminator_optimizer.0.exp_avg"])
def test_a_checkpoint_that_lacks_something_is_refused(
    missing: str, finished: Path, train_tiny: Gantrain, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors, record = load_checkpoint(finished / CHECKPOINT)
    del tensors[missing]
    save_checkpoint(finished / CHECKPOINT, tensors, record)
    assert train_tiny("dcgan", finished, "--resume", "--kimg", 2 * TINY_KIMG) == 1
    assert "does not fit its run" in capsys.readouterr().err


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", b"\xff" * 64])
def test_a_damaged_checkpoint_is_an_error_not_a_crash(
    damage: bytes, finished: Path, train_tiny: Gantrain, capsys: pytest.CaptureFixture[str]
) -> None:
    (finished / CHECKPOINT).write_bytes(damage)
    assert train_tiny("dcgan", finished, "--resume", "--kimg", 2 * TINY_KIMG) == 1
    assert "cannot be read as a checkpoint" in capsys.readouterr().err
