"""What the modes look like: the last preview of a few runs, side by side."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

GAP = 8  # pixels of white between two previews


def side_by_side(run_dirs: Sequence[Path]) -> Image.Image:
    """The last preview of each run, from left to right."""
    previews = [Image.open(max((run_dir / "samples").glob("*.png"))) for run_dir in run_dirs]
    width = sum(preview.width + GAP for preview in previews) - GAP
    picture = Image.new("RGB", (width, max(preview.height for preview in previews)), "white")
    left = 0
    for preview in previews:
        picture.paste(preview, (left, 0))
        left += preview.width + GAP
    return picture
