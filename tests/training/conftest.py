"""Tiny real runs: quarter-size digits, networks of a few channels, seconds of training."""

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch.onnx._internal.exporter._registration import ONNXRegistry

from tests.toy_images import write_gradients
from training.cli import main
from training.evaluation import classifier
from training.reports import STATS, Reporter
from training.systems import cyclegan, load_system

ROOT = Path(__file__).resolve().parents[2]
TINY = (
    "--image-size", "8", "--width", "0.05", "--batch-size", "16", "--precision", "fp32",
    "--device", "cpu", "--tick-kimg", "0.08", "--decay-kimg", "0",
)  # fmt: skip
TINY_LATENT = ("--data", "digits", "--latent-dim", "8", *TINY)
TINY_KIMG = 0.32  # 20 steps
NUM_JUDGE_STEPS = 120

Gantrain = Callable[..., int]
really_save_plot = Reporter._save_plot
really_num_blocks = cyclegan.NUM_BLOCKS_SMALL


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Networks this small are slower on many threads."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _no_loss_plots() -> Iterator[None]:
    """A plot takes longer than the steps between two of them; a test of plots takes this back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reporter, "_save_plot", lambda _: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _shallow_translators() -> Iterator[None]:
    """One residual block is run and exported as four are, in half the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cyclegan, "NUM_BLOCKS_SMALL", 1)
        yield


@pytest.fixture(autouse=True, scope="session")
def _one_reading_of_the_exporters_operators() -> Iterator[None]:
    """PyTorch parses all operators that it can export for every export, which is most of one."""
    with pytest.MonkeyPatch.context() as patch:
        read = functools.cache(ONNXRegistry.from_torchlib)
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(read))
        yield


@pytest.fixture(scope="session")
def gantrain() -> Gantrain:
    """The command line in this process: arguments in, exit status out."""

    def run(*arguments: object) -> int:
        return main([str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("colours")
    write_gradients(folder)
    return folder


@pytest.fixture(scope="session")
def train_tiny(gantrain: Gantrain, colours: Path) -> Gantrain:
    """``gantrain train SYSTEM --out RUN_DIR`` of a tiny run, further options after them."""

    def run(system: str, run_dir: Path, *options: object) -> int:
        is_translator = load_system(system).kind == "translator"
        translated = ("--data", f"colourise:{colours}", *TINY)
        tiny = translated if is_translator else TINY_LATENT
        return gantrain("train", system, "--out", run_dir, *tiny, "--kimg", TINY_KIMG, *options)

    return run


@pytest.fixture(scope="session")
def _finished_once(train_tiny: Gantrain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run_dir = tmp_path_factory.mktemp("finished") / "run"
    assert train_tiny("dcgan", run_dir) == 0
    return run_dir


@pytest.fixture
def finished(_finished_once: Path, tmp_path: Path) -> Path:
    """A run of a ``dcgan`` that a test may change."""
    return shutil.copytree(_finished_once, tmp_path / "run")


def stats(run_dir: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run_dir / STATS).read_text().splitlines()]


def start_training(system: str, run_dir: Path, *options: str) -> subprocess.Popen[str]:
    """The command line in a process of its own, for tests that send it signals: it does not end
    before its standard input has."""
    command = [sys.executable, "-m", "tests.training.lingering", "train", system]
    return subprocess.Popen(
        [*command, "--out", str(run_dir), *TINY_LATENT, *options], cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.fixture(autouse=True, scope="session")
def _short_judge_training() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "MIN_STEPS", NUM_JUDGE_STEPS)
        yield


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("judges")
