"""A folder of images as one array; class sub-folders give labels. Knows no file formats."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.data.image_decoding import decode_image
from training.errors import TrainingError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
NAMES_SHOWN = 20


@dataclass(frozen=True)
class DecodedFolder:
    """Images uint8 (N, H, W, C) in order of their paths, C = 1 if all of them are grey."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    class_names: tuple[str, ...]
    notes: tuple[str, ...]


def read_image_folder(folder: Path, image_size: int) -> DecodedFolder:
    """Decode, centre-crop to a square and resize every image below ``folder``.

    Files that are no images are ignored; images that cannot be decoded are skipped and named in the
    notes. Smaller images are enlarged, and counted in the notes.

    Raises:
        TrainingError: no such folder, no access, no decodable image, a class without any, or images
            beside class sub-folders.
    """
    paths, class_names = _find_images(folder)
    kept, decoded = _decode(folder, paths, image_size)
    labels = _labels(folder, kept, class_names) if class_names else None
    return replace(decoded, labels=labels, class_names=class_names)


def read_images_below(folder: Path, image_size: int) -> DecodedFolder:
    """As ``read_image_folder``, but sub-folders are no classes.

    Raises:
        TrainingError: no such folder, no access or no decodable image.
    """
    try:
        paths = _images_below(folder)
    except OSError as error:
        raise TrainingError(f"folder {folder} cannot be read: {error.strerror}") from error
    if not paths:
        raise _no_images(folder)
    return _decode(folder, paths, image_size)[1]


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
        raise _no_images(folder)
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


def _no_images(folder: Path) -> TrainingError:
    found = sorted(entry.name for entry in folder.iterdir())
    return TrainingError(
        f"folder {folder} has no images (looked for {', '.join(sorted(SUFFIXES))}; "
        f"found {', '.join(found[:NAMES_SHOWN]) or 'nothing'})"
    )


def _decode(
    folder: Path, paths: Sequence[Path], image_size: int
) -> tuple[list[Path], DecodedFolder]:
    """The paths that could be decoded, and their images without classes."""
    with ThreadPoolExecutor() as pool:
        decoding = pool.map(lambda path: decode_image(path, image_size), paths)
        decoded = list(tqdm(decoding, total=len(paths), desc=f"reading {folder}", disable=None))
    kept = [(path, image) for path, image in zip(paths, decoded, strict=True) if image]
    skipped = [path for path, image in zip(paths, decoded, strict=True) if not image]
    if not kept:
        raise TrainingError(f"none of the {len(paths)} images in {folder} can be decoded")
    is_grey = all(image.is_grey for _, image in kept)
    pixels = np.stack([image.pixels for _, image in kept])
    notes = _notes(folder, skipped, sum(image.is_enlarged for _, image in kept), image_size)
    return [path for path, _ in kept], DecodedFolder(
        images=np.ascontiguousarray(pixels[..., :1]) if is_grey else pixels,
        labels=None,
        class_names=(),
        notes=notes,
    )


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
