"""What both games do with images in a step."""

from pathlib import Path

import pytest
import torch

from training.games.cycle import CycleGame, _narrower_range
from training.games.image_pool import ImagePool
from training.games.play import saturated, spread, told_apart
from training.runs import load_data, resolve_config
from training.state import TrainingState


def pictures(*shades: float) -> torch.Tensor:
    return torch.tensor(shades).reshape(-1, 1, 1, 1).expand(-1, 1, 2, 2).clone()


def test_a_pool_gives_back_what_it_got_until_it_is_full() -> None:
    pool = ImagePool(4)
    assert pool.exchange(pictures(1, 2, 3)).flatten(1)[:, 0].tolist() == [1, 2, 3]
    assert pool.images is not None
    assert len(pool.images) == 3


@pytest.mark.parametrize(("size", "batch_size"), [(50, 4), (4, 4), (3, 8)])
def test_a_full_pool_gives_about_half_earlier_images_and_loses_none(
    size: int, batch_size: int
) -> None:
    torch.manual_seed(0)
    pool = ImagePool(size)
    seen, given = 0, []
    for _ in range(100):
        fresh = [float(seen + i) for i in range(batch_size)]
        given += pool.exchange(pictures(*fresh)).flatten(1)[:, 0].tolist()
        seen += batch_size
    assert pool.images is not None
    kept = pool.images.flatten(1)[:, 0].tolist()
    assert len(kept) == size
    assert set(given) | set(kept) == set(map(float, range(seen)))
    earlier = sum(abs(value - index) >= batch_size for index, value in enumerate(given))
    assert earlier > 0.15 * seen


def test_without_a_pool_fakes_pass_through() -> None:
    assert ImagePool(0).exchange(pictures(1, 2)).flatten(1)[:, 0].tolist() == [1, 2]


def test_the_spread_of_a_batch_is_the_deviation_of_its_pixels() -> None:
    assert spread(pictures(0, 2)).item() == pytest.approx(2**0.5)
    assert spread(pictures(1, 1, 1)).item() == 0


def test_classes_that_are_each_one_image_have_no_spread() -> None:
    images, labels = pictures(0, 5, 0, 5), torch.tensor([0, 1, 0, 1])
    assert spread(images) > 2
    assert spread(images, labels).item() == 0
    spread_within = spread(pictures(0, 5, 2, 7), labels)
    assert spread_within.item() == pytest.approx(2**0.5)


def test_logits_are_told_apart_whatever_their_scale() -> None:
    reals, fakes = torch.tensor([3.0, 4.0, 5.0, 6.0]), torch.tensor([0.0, 4.5, 4.9, 5.9])
    assert told_apart(reals, fakes).item() == 0.75
    assert told_apart(1e-3 * reals - 7, 1e-3 * fakes - 7).item() == 0.75
    assert told_apart(torch.zeros(4), torch.zeros(4)).item() == 0  # the same for all: none told


def test_pixels_at_the_ends_are_saturated() -> None:
    assert saturated(pictures(-1, 1, 0.98, 0)).item() == 0.5


def test_of_two_domains_the_one_that_uses_less_of_the_range_is_told() -> None:
    dark, full = pictures(-1, -0.99), pictures(-0.5, 1)
    for domains in ((dark, full), (full, dark)):
        low, high = _narrower_range(*domains)
        assert (low.item(), high.item()) == pytest.approx((-1, -0.99))


@pytest.fixture
def colouring(colours: Path, tmp_path: Path) -> CycleGame:
    given = {"system": "cyclegan", "data": f"colourise:{colours}", "image_size": 8, "width": 0.05}
    device = torch.device("cpu")
    config = resolve_config(given, run_dir=tmp_path, resume=False, device=device)
    game = TrainingState(config, load_data(config, tmp_path), device).game
    assert isinstance(game, CycleGame)
    return game


def test_a_way_back_from_fewer_channels_does_not_teach_to_hide_what_they_lost(
    colouring: CycleGame,
) -> None:
    grey = torch.zeros(2, 1, 8, 8, requires_grad=True)
    colour = torch.zeros(2, 3, 8, 8, requires_grad=True)
    assert not colouring._way_back(grey, colour).requires_grad
    assert colouring._way_back(colour, grey).requires_grad
    assert colouring._way_back(colour, colour).requires_grad


def test_what_is_turned_grey_is_held_to_its_luma(colouring: CycleGame) -> None:
    greens = torch.tensor([-1.0, 1.0, -1.0]).reshape(1, 3, 1, 1).expand(2, 3, 8, 8)
    greys, colours = torch.zeros(2, 1, 8, 8), torch.zeros(2, 3, 8, 8)
    luma = torch.full_like(greys, 0.587 - 0.299 - 0.114)
    assert colouring._identity_loss(greys, greens, luma, colours).item() == pytest.approx(
        0, abs=1e-6
    )
    off = colouring._identity_loss(greys, greens, luma + 0.25, colours + 1)  # colours may be any
    assert off.item() == pytest.approx(0.25)


def test_the_generator_steps_as_often_as_it_is_told_and_each_time_on_fresh_latents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"system": "dcgan", "data": "digits", "image_size": 8, "width": 0.05}
    device = torch.device("cpu")
    config = resolve_config(
        {**given, "generator_steps": 3}, run_dir=tmp_path, resume=False, device=device
    )
    game = TrainingState(config, load_data(config, tmp_path), device).game
    latents: list[torch.Tensor] = []
    really_generate = game.players.generators["generator"].forward
    monkeypatch.setattr(
        game.players.generators["generator"],
        "forward",
        lambda latent: (latents.append(latent), really_generate(latent))[1],
    )
    game.step()
    steps = [
        {int(state["step"]) for state in optimizer.state.values()}
        for optimizer in (game.players.discriminator_optimizer, game.players.generator_optimizer)
    ]
    assert steps == [{1}, {3}]
    assert len(latents) == 3
    assert not torch.equal(latents[0], latents[1])
    assert not torch.equal(latents[1], latents[2])
