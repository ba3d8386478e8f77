"""Two image domains read from a user's folder, as translators train on them. Knows no tensors."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.holding_out import divide_folder
from training.data.image_decoding import to_grey
from training.data.image_folder import DecodedFolder, read_image_folder, read_images_below
from training.errors import TrainingError

Images = NDArray[np.uint8]  # (N, H, W, C)


@dataclass(frozen=True)
class Domains:
    """Images of domain A and of domain B; test images are None where none are held out."""

    domain_a: Images
    domain_b: Images
    test_a: Images | None
    test_b: Images | None
    is_paired: bool  # test_a[i] and test_b[i] show the same scene
    notes: tuple[str, ...]


def read_domain_folders(folder: Path, image_size: int) -> Domains:
    """The images below ``trainA`` and ``trainB`` and, where they are, ``testA`` and ``testB``.

    Raises:
        TrainingError: no such layout, or a domain without a decodable image.
    """
    found = _subfolders(folder)
    if missing := [name for name in ("trainA", "trainB") if name not in found]:
        raise TrainingError(
            f"folder {folder} has no {' and no '.join(missing)}: unpaired data are images of one "
            "domain in trainA and of the other in trainB, and held-out ones in testA and testB; "
            f"the sub-folders here are: {', '.join(found) or 'none'}"
        )
    domains = {name: _read_domain(folder / name, image_size) for name in ("trainA", "trainB")}
    tests = {
        name: _read_domain(folder / name, image_size)
        for name in ("testA", "testB")
        if name in found
    }
    domain_a, domain_b = domains["trainA"].images, domains["trainB"].images
    return Domains(
        domain_a=domain_a,
        domain_b=domain_b,
        test_a=_like(domain_a, tests.get("testA")),
        test_b=_like(domain_b, tests.get("testB")),
        is_paired=False,
        notes=tuple(
            f"{name}: {note}" for name, part in (domains | tests).items() for note in part.notes
        ),
    )


def read_colour_folder(folder: Path, image_size: int) -> Domains:
    """Grey and colour from one folder of colour images, which may have class sub-folders.

    Every second training image is in domain A without its colour, the others are in domain B: no
    image is in both. Held-out images are in both tests, as true pairs.

    Raises:
        TrainingError: no such folder, images without colour, or fewer than two to train on.
    """
    colour = read_image_folder(folder, image_size)
    images = colour.images
    if images.shape[-1] == 1:
        raise TrainingError(
            f"all {len(images)} images in {folder} are grey; colourising is learnt from colour ones"
        )
    division = divide_folder(images, colour.labels, colour.class_names)
    if len(division.train) < 2:
        raise TrainingError(f"{folder} has {len(images)} image; two domains need one each at least")
    held_out = images[division.test] if len(division.test) else None
    return Domains(
        domain_a=to_grey(images[division.train[0::2]]),
        domain_b=images[division.train[1::2]],
        test_a=None if held_out is None else to_grey(held_out),
        test_b=held_out,
        is_paired=held_out is not None,
        notes=(*colour.notes, division.note),
    )


def _subfolders(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    except OSError as error:
        raise TrainingError(f"folder {folder} cannot be read: {error.strerror}") from error


def _read_domain(folder: Path, image_size: int) -> DecodedFolder:
    try:
        return read_images_below(folder, image_size)
    except TrainingError as error:
        raise TrainingError(
            f"domain {folder.name[-1]} is empty in {folder.name}: {error}"
        ) from error


def _like(domain: Images, test: DecodedFolder | None) -> Images | None:
    """Test images with as many channels as the domain has in training."""
    if test is None or test.images.shape[-1] == domain.shape[-1]:
        return None if test is None else test.images
    return to_grey(test.images) if domain.shape[-1] == 1 else test.images.repeat(3, axis=-1)
