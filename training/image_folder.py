"""A folder of images of any size and format as one array; class sub-folders give labels."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tqdm import tqdm

from training.errors import TrainingError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
GREY_MODES = frozenset({"1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F"})
NAMES_SHOWN = 20


@dataclass(frozen=True)
class DecodedFolder:
    """Images uint8 (N, H, W, C) in order of their paths, C = 1 if all of them are grey."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Decoded:
    pixels: NDArray[np.uint8]  # (H, W, 3)
    is_grey: bool
    is_enlarged: bool


def read_image_folder(folder: Path, image_size: int) -> DecodedFolder:
    """Decode, centre-crop to a square and resize every image below ``folder``.

    Files that are no images are ignored; images that cannot be decoded are skipped and named in the
    notes. Smaller images are enlarged, and counted in the notes.

    Raises:
        TrainingError: no such folder, no access, no decodable image, a class without any, or images
            beside class sub-folders.
    """
    paths, class_names = _find_images(folder)
    with ThreadPoolExecutor() as pool:
        decoding = pool.map(lambda path: _decode(path, image_size), paths)
        decoded = list(tqdm(decoding, total=len(paths), desc=f"reading {folder}", disable=None))
    kept = [(path, image) for path, image in zip(paths, decoded, strict=True) if image]
    skipped = [path for path, image in zip(paths, decoded, strict=True) if not image]
    if not kept:
        raise TrainingError(f"none of the {len(paths)} images in {folder} can be decoded")
    is_grey = all(image.is_grey for _, image in kept)
    pixels = np.stack([image.pixels for _, image in kept])
    return DecodedFolder(
        images=np.ascontiguousarray(pixels[..., :1]) if is_grey else pixels,
        labels=_labels(folder, [path for path, _ in kept], class_names) if class_names else None,
        class_names=class_names,
        notes=_notes(folder, skipped, sum(image.is_enlarged for _, image in kept), image_size),
    )


def _find_images(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    """Paths of all images, and the names of the class sub-folders if there are any."""
    try:
        entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
        by_class = {entry.name: _images_below(entry) for entry in entries if entry.is_dir()}
    except OSError as error:
        raise TrainingError(f"folder {folder} cannot be read: {error.strerror}") from error
    loose = [entry for entry in entries if _is_image(entry)]
    by_class = {name: paths for name, paths in by_class.items() if paths}
    if loose and by_class:
        raise TrainingError(
            f"{folder} has images beside its class folders ({_some(loose, folder)}); "
            "move them into a class, or the classes elsewhere"
        )
    if not loose and not by_class:
        raise TrainingError(
            f"folder {folder} has no images (looked for {', '.join(sorted(SUFFIXES))})"
        )
    return loose or [path for paths in by_class.values() for path in paths], tuple(by_class)


def _images_below(folder: Path) -> list[Path]:
    """Images at any depth, hidden ones left out; raises where a folder cannot be read."""

    def fail(error: OSError) -> None:
        raise error

    paths: list[Path] = []
    for directory, subfolders, names in os.walk(folder, onerror=fail):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        paths += (Path(directory, name) for name in names if not name.startswith("."))
    return sorted(path for path in paths if _is_image(path))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _decode(path: Path, image_size: int) -> _Decoded | None:
    """The image cropped and resized; None if it is corrupt, unreadable or a decompression bomb."""
    try:
        with Image.open(path) as file:
            is_grey = file.mode in GREY_MODES
            image = _to_eight_bits(ImageOps.exif_transpose(file)).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    side = min(image.size)
    square = image.crop(_centre_square(image.size))
    fitted = square.resize((image_size, image_size), Image.Resampling.BILINEAR)
    return _Decoded(np.asarray(fitted), is_grey, side < image_size)


def _centre_square(size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, upper, right, lower of the largest square in the middle."""
    side = min(size)
    left, upper = ((length - side) // 2 for length in size)
    return left, upper, left + side, upper + side


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Deep grey scaled to 8 bits, where ``convert`` would clip it; alpha laid on white."""
    if image.mode.startswith("I") or image.mode == "F":
        grey = np.asarray(image).astype(np.float64)
        top = 65_535 if image.mode.startswith("I;16") else _range_of(grey)
        return Image.fromarray((grey * (255 / top)).clip(0, 255).round().astype(np.uint8))
    if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
        on_white = Image.new("RGBA", image.size, "white")
        on_white.alpha_composite(image.convert("RGBA"))
        return on_white
    return image


def _range_of(grey: NDArray[np.float64]) -> float:
    """The white of pixels that do not say what is white: 1, 255 or 65,535."""
    return next((top for top in (1.0, 255.0) if grey.max() <= top), 65_535.0)


def _labels(folder: Path, paths: Sequence[Path], class_names: tuple[str, ...]) -> NDArray[np.int64]:
    names = [path.relative_to(folder).parts[0] for path in paths]
    empty = sorted(set(class_names) - set(names))
    if empty:
        raise TrainingError(f"no image of class {', '.join(empty)} in {folder} can be decoded")
    return np.array([class_names.index(name) for name in names], dtype=np.int64)


def _notes(
    folder: Path, skipped: Sequence[Path], num_enlarged: int, image_size: int
) -> tuple[str, ...]:
    notes = []
    if skipped:
        notes.append(
            f"skipped {len(skipped)} corrupt or unreadable images: {_some(skipped, folder)}"
        )
    if num_enlarged:
        notes.append(f"enlarged {num_enlarged} images that are smaller than {image_size} pixels")
    return tuple(notes)


def _some(paths: Sequence[Path], folder: Path) -> str:
    names = [str(path.relative_to(folder)) for path in paths[:NAMES_SHOWN]]
    more = f" and {len(paths) - NAMES_SHOWN} more" if len(paths) > NAMES_SHOWN else ""
    return ", ".join(names) + more
