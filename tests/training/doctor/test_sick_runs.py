"""Runs made sick on purpose: each gets its verdict while it trains and afterwards, and the remedy
that it names helps where that takes but seconds to see."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.training.conftest import Gantrain, stats
from training.commands.diagnosing import SICK
from training.games.latent import LatentGame
from training.objectives import LOSSES, Objective

FIVE_HUNDRED_STEPS = ("--kimg", 8.64, "--tick-kimg", 0.96)  # and a few more

Examine = Callable[[Path], str]


@pytest.fixture
def examine(gantrain: Gantrain, capsys: pytest.CaptureFixture[str]) -> Examine:
    """What ``gantrain doctor`` says of a sick run, after the verdicts told while it trained."""

    def run(run_dir: Path) -> str:
        live = capsys.readouterr().out
        assert gantrain("doctor", run_dir) == SICK
        assert (run_dir / "doctor.png").stat().st_size > 10_000
        return live + capsys.readouterr().out

    return run


def test_a_generator_that_does_not_hear_its_latent_makes_one_image_a_class(
    train_tiny: Gantrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, examine: Examine
) -> None:
    draw = LatentGame._draw_latents

    def draw_muted(game: LatentGame) -> tuple[Tensor, ...]:
        latent, *label = draw(game)
        return torch.zeros_like(latent), *label

    monkeypatch.setattr(LatentGame, "_draw_latents", draw_muted)
    assert train_tiny("cgan", tmp_path / "run", *FIVE_HUNDRED_STEPS) == 0
    assert stats(tmp_path / "run")[-1]["verdict"] == ["class collapse"]
    told = examine(tmp_path / "run")
    assert "verdict: class collapse: fakes differ from each other within a class " in told
    assert "; to try: --r1-gamma 1 --r2-gamma 1" in told
    assert "class collapse (fatal: the run will not recover by itself), from " in told


def test_a_discriminator_that_cannot_keep_up_lets_the_generator_collapse(
    train_tiny: Gantrain, tmp_path: Path, examine: Examine
) -> None:
    rates = ("--generator-lr", 5e-3, "--discriminator-lr", 1e-5, "--width", 0.1)
    assert train_tiny("gan", tmp_path / "run", *FIVE_HUNDRED_STEPS, *rates) == 0
    assert stats(tmp_path / "run")[-1]["verdict"] == ["discriminator loses", "mode collapse"]
    told = examine(tmp_path / "run")
    assert "verdict: discriminator loses: " in told
    assert "to try: go back to the learning rates that its system was tuned with: " in told


def test_the_gradient_of_the_minimax_loss_vanishes_and_that_of_the_other_does_not(
    train_tiny: Gantrain, tmp_path: Path, examine: Examine
) -> None:
    strong = ("--image-size", 16, "--discriminator-lr", 2e-3, "--instance-noise", 0)
    for loss in ("minimax", "non-saturating"):
        run = tmp_path / loss
        assert train_tiny("gan", run, *FIVE_HUNDRED_STEPS, *strong, "--loss", loss) == 0
    sick, cured = stats(tmp_path / "minimax"), stats(tmp_path / "non-saturating")
    assert sick[-1]["verdict"] == ["vanishing gradients"]
    assert all("vanishing gradients" not in record.get("verdict", []) for record in cured)
    assert sick[-1]["generator_gradient_norm"] < 0.01 * cured[-1]["generator_gradient_norm"]
    told = examine(tmp_path / "minimax")
    assert "verdict: vanishing gradients: " in told
    assert "; to try: --loss non-saturating" in told
    command = told[told.index("to try first:") :]
    assert "--discriminator-lr 0.002" in command  # the run as it was, but for its loss
    assert "--loss non-saturating" in command


def test_a_run_that_broke_is_told_from_one_that_was_stopped(
    train_tiny: Gantrain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, examine: Examine
) -> None:
    assert train_tiny("dcgan", tmp_path / "run") == 0
    healthy = LOSSES["non-saturating"]
    sick = Objective(healthy.discriminator, lambda logits: logits.mean() * torch.nan)
    monkeypatch.setitem(LOSSES, "non-saturating", sick)
    assert train_tiny("dcgan", tmp_path / "run", "--resume", "--kimg", 0.64) == 1
    told = examine(tmp_path / "run")
    assert "0.4 of 0.64 kimg, not finished" in told
    assert "not finite (fatal: the run will not recover by itself), at 0.4 kimg" in told
    assert "at 0.4 kimg no finite number: " in told
    assert "generator_loss" in told
    assert "the tick before, at 0.32 kimg: discriminator_loss" in told
    assert "to try: halve both learning rates: --generator-lr 0.0001 --discriminator-lr" in told


def test_an_absurd_learning_rate_diverges(
    train_tiny: Gantrain, tmp_path: Path, examine: Examine
) -> None:
    rates = ("--generator-lr", 0.5, "--discriminator-lr", 0.5, "--seed", 1)
    length = ("--kimg", 2.4, "--tick-kimg", 0.4)
    assert train_tiny("dcgan", tmp_path / "run", *length, *rates) == 0
    told = examine(tmp_path / "run")
    assert "verdict: diverging: logits are " in told
    assert "--generator-lr 0.0002 --discriminator-lr 0.0002" in told


def test_a_critic_without_its_penalty_diverges(
    train_tiny: Gantrain, tmp_path: Path, examine: Examine
) -> None:
    unbound = ("--gradient-penalty", 0, "--discriminator-lr", 1e-2)
    length = ("--kimg", 4.8, "--tick-kimg", 1.2)
    assert train_tiny("wgan-gp", tmp_path / "run", *length, *unbound) == 0
    told = examine(tmp_path / "run")
    assert "verdict: diverging: logits are apart " in told
    assert "; to try: --gradient-penalty 10" in told


@pytest.mark.parametrize("system", ["dcgan", "cyclegan"])
def test_images_of_zeros_and_ones_are_wrongly_scaled(
    system: str, gantrain: Gantrain, colours: Path, tmp_path: Path, examine: Examine
) -> None:
    """As a float image cast to bytes gives them; of a translator's domains one suffices."""
    dark = tmp_path / "trainA"
    dark.mkdir()
    rng = np.random.default_rng(0)
    for index in range(24):
        pixels = rng.integers(2, size=(8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(dark / f"{index:02}.png")
    data = f"folder:{dark}"
    if system == "cyclegan":
        (tmp_path / "trainB").symlink_to(colours)
        data = f"unpaired:{tmp_path}"
    command = (
        "train", system, "--data", data, "--out", tmp_path / "run", "--width", 0.05, "--device",
        "cpu", "--image-size", 8, "--batch-size", 4, "--kimg", 0.032, "--tick-kimg", 0.016,
    )  # fmt: skip
    assert gantrain(*command) == 0
    assert stats(tmp_path / "run")[0]["verdict"] == ["wrongly scaled data"]
    told = examine(tmp_path / "run")
    assert "verdict: wrongly scaled data: batches of real images use 0 to 1 of 0 to 255" in told
    assert "scale the pixels of the image files to use 0 to 255" in told
