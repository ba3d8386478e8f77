"""The order in which training sees images."""

import torch

from training.data.sampling import EpochSampler


def test_every_image_comes_once_an_epoch() -> None:
    sampler = EpochSampler(10, seed=3)
    epochs = torch.cat([sampler.next_batch(4) for _ in range(5)]).reshape(2, 10)
    assert [sorted(epoch.tolist()) for epoch in epochs] == [list(range(10))] * 2
    assert epochs[0].tolist() != epochs[1].tolist()


def test_a_batch_may_be_larger_than_the_data_set() -> None:
    assert EpochSampler(3, seed=0).next_batch(8).shape == (8,)


def test_the_position_is_the_whole_state() -> None:
    whole = EpochSampler(7, seed=1)
    whole.next_batch(9)
    resumed = EpochSampler(7, seed=1, position=9)
    assert torch.equal(whole.next_batch(12), resumed.next_batch(12))
    assert whole.position == resumed.position == 21


def test_another_seed_gives_another_order() -> None:
    orders = {tuple(EpochSampler(50, seed=seed).next_batch(50).tolist()) for seed in range(5)}
    assert len(orders) == 5
