"""How images are put together: positions in a grid, names in an archive."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.encoders import ENCODERS, Encoder
from app.layouts import LAYOUTS, Abandoned, Batch, compose_grid, enlarge, num_columns
from app.pixels import Pixels


@given(st.integers(1, 40), st.integers(1, 50), st.sampled_from([1, 3]))
def test_image_i_of_a_grid_is_at_row_and_column_of_i(n: int, asked: int, channels: int) -> None:
    images = np.arange(n * 2 * 3 * channels, dtype=np.uint8).reshape(n, 2, 3, channels)
    columns = num_columns(n, asked)
    grid = compose_grid(images, columns)
    assert columns == min(asked, n)
    assert grid.shape == (-(-n // columns) * 2, columns * 3, channels)
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        tile = grid[row * 2 : row * 2 + 2, column * 3 : column * 3 + 3]
        np.testing.assert_array_equal(tile, image)
    assert not grid[-2:, (n - 1) % columns * 3 + 3 :].any()


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (2, 2), (3, 2), (4, 2), (5, 3), (64, 8)])
def test_a_grid_is_near_square_unless_columns_are_asked_for(n: int, columns: int) -> None:
    assert num_columns(n, None) == columns


def test_enlarging_repeats_every_pixel() -> None:
    image = np.array([[[1], [2]]], dtype=np.uint8)
    assert enlarge(image, 2)[:, :, 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]


@pytest.mark.parametrize("layout", ["zip", "json"])
def test_rendering_stops_between_images_once_nobody_waits(
    layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = Batch(
        images=np.zeros((3, 2, 2, 1), np.uint8), seeds=[1, 2, 3], labels=None, label=None,
        model="tiny", version=1, digest="0" * 64, execution_provider="CPUExecutionProvider",
        truncation=None, format="png", columns=2, scale=1,
    )  # fmt: skip
    encoded = []

    def leave_after_the_first(pixels: Pixels, provenance: str) -> bytes:
        encoded.append(provenance)
        batch.abandoned.set()
        return b""

    monkeypatch.setitem(ENCODERS, "png", Encoder("image/png", leave_after_the_first))
    with pytest.raises(Abandoned):
        LAYOUTS[layout].render(batch)
    assert len(encoded) == 1
