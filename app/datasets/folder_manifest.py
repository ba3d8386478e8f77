"""The manifest in a folder: whose data set lies there. Knows no image and no archive."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from app.datasets.manifest import MANIFEST
from app.errors import InvalidParameter, shortened

_SHOWN = 3  # differences to another data set


def seed_in(folder: Path) -> int | None:
    """The first seed of the data set in a folder; None where there is none."""
    seed = (manifest_in(folder) or {}).get("seed")
    return seed if isinstance(seed, int) else None


def manifest_in(folder: Path) -> dict[str, Any] | None:
    """What the folder says that it holds; None where it says nothing.

    Raises:
        InvalidParameter: its manifest cannot be read as one.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, RecursionError) as error:
        raise InvalidParameter(
            f"{str(folder / MANIFEST)!r} is no manifest of a data set: {error}"
        ) from error
    return manifest if isinstance(manifest, dict) else {}


def check_is_ours(
    folder: Path, manifest: Mapping[str, Any], *, besides: frozenset[str] = frozenset()
) -> None:
    """Check that a folder is new, empty or of the data set that ``manifest`` describes.

    Args:
        besides: fields that tell how far it is, not which data set it is.

    Raises:
        InvalidParameter: it holds another data set, or other things.
    """
    there = manifest_in(folder)
    if there is None:
        if folder.exists() and any(not each.name.startswith(".") for each in folder.iterdir()):
            raise InvalidParameter(
                f"the folder {str(folder)!r} is not empty and holds no data set of ours "
                f"(no {MANIFEST}); a new or empty one would be right"
            )
        return
    others = told_differences(there, manifest, besides=besides)
    if others:
        raise InvalidParameter(
            f"the folder {str(folder)!r} holds another data set: {others}. Another folder would be "
            "right, or the same model and options to go on there"
        )


def told_differences(
    there: Mapping[str, Any], here: Mapping[str, Any], *, besides: frozenset[str] = frozenset()
) -> str:
    """The first few differences of two manifests, in words; nothing where there are none."""
    return "; ".join(islice(differences(there, here, besides), _SHOWN))


def differences(
    there: Mapping[str, Any], here: Mapping[str, Any], besides: frozenset[str]
) -> Iterator[str]:
    """Each field in which two manifests differ, and how; what is there may be anything."""
    for name in {**here, **there}:
        old, new = there.get(name), here.get(name)
        if name in besides or old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from (f"{name}: {each}" for each in differences(old, new, frozenset()))
        elif isinstance(old, dict | list) or isinstance(new, dict | list):
            yield f"another {_shown(name)}"
        else:
            values = (shortened(json.dumps(value)) for value in (old, new))
            yield f"{_shown(name)} is {' there and '.join(values)} here"


def _shown(name: str) -> str:
    return shortened(name if name.isprintable() else json.dumps(name))
