"""Baselines of translators, on colours whose answer is known."""

import numpy as np

from training.data.image_decoding import to_grey
from training.evaluation.translation_baselines import (
    baselines,
    do_nothing,
    learn_mean_colours,
    nearest_tints,
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


def test_each_image_gets_the_tint_of_the_colour_image_nearest_in_brightness() -> None:
    blue, bright = (20, 40, 120), (250, 250, 200)
    luma = to_grey(np.array([[[blue]]], np.uint8)).item()
    training = np.array([[[blue, blue]], [[bright, bright]]], np.uint8)
    sources = np.array([[[[luma - 15], [luma + 15]]], [[[255], [255]]]], np.uint8)
    tinted = nearest_tints(sources, training)
    below, above = (np.array(blue) + step for step in (-15, 15))
    assert tinted[0].tolist() == [[np.clip(below, 0, 255).tolist(), above.tolist()]]
    assert tinted[1, 0, 0, 0] == 255  # within the range of a pixel
    assert tinted[1, 0, 0, 2] < 220


def test_only_colouring_has_a_palette() -> None:
    grey, colour = np.zeros((2, 4, 4, 1), np.uint8), np.full((3, 4, 4, 3), 90, np.uint8)
    assert set(baselines(grey, colour)) == {"do_nothing", "nearest_tint", "mean_colour"}
    assert set(baselines(colour, grey)) == set(baselines(colour, colour)) == {"do_nothing"}
    assert (baselines(grey, colour)["mean_colour"]() == 90).all()
    assert (baselines(grey, colour)["nearest_tint"]() == grey).all()
