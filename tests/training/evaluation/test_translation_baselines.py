"""Baselines of translators, on colours whose answer is known."""

import numpy as np

from training.data.image_decoding import to_grey
from training.evaluation.translation_baselines import (
    baselines,
    do_nothing,
    learn_mean_colours,
)


def test_doing_nothing_gives_the_source_in_the_channels_of_the_target() -> None:
    colour = np.array([[[[10, 20, 60]]]], np.uint8)
    grey = np.array([[[[7]]]], np.uint8)
    assert do_nothing(colour, 3) is colour
    assert do_nothing(grey, 3).tolist() == [[[[7, 7, 7]]]]
    assert do_nothing(colour, 1).tolist() == [[[[30]]]]
    assert to_grey(colour).tolist() != [[[[30]]]]  # luma would be the answer itself


def test_each_shade_gets_the_mean_of_the_colours_that_look_like_it() -> None:
    red, blue, dark = (200, 50, 40), (60, 90, 200), (0, 0, 0)
    shade = to_grey(np.array([[[red]]], np.uint8)).item()
    assert shade == to_grey(np.array([[[blue]]], np.uint8)).item()
    table = learn_mean_colours(np.array([[[red, blue, dark]]], np.uint8))
    assert table.shape == (256, 3)
    assert table[shade].tolist() == [130, 70, 120]
    assert table[255].tolist() == [130, 70, 120]  # no such pixel: the nearest shade there is
    assert table[1].tolist() == [0, 0, 0]


def test_only_colouring_has_a_palette() -> None:
    grey, colour = np.zeros((2, 4, 4, 1), np.uint8), np.full((3, 4, 4, 3), 90, np.uint8)
    assert set(baselines(grey, colour)) == {"do_nothing", "mean_colour"}
    assert set(baselines(colour, grey)) == set(baselines(colour, colour)) == {"do_nothing"}
    assert (baselines(grey, colour)["mean_colour"]() == 90).all()
