"""What may stand after ``--data``: published sets by name, a user's own images behind a prefix."""

from pathlib import Path

from training.errors import TrainingError

FOLDER_PREFIX = "folder:"
UNPAIRED_PREFIX = "unpaired:"
COLOURISE_PREFIX = "colourise:"
OWN_IMAGES = {
    f"{FOLDER_PREFIX}PATH": "your own images; class sub-folders give labels",
    f"{UNPAIRED_PREFIX}PATH": "two domains for a translator: trainA, trainB [, testA, testB]",
    f"{COLOURISE_PREFIX}PATH": "grey to colour and back, from a folder of colour images",
}
NOT_STATED = "not stated"


def is_unpaired(name: str) -> bool:
    """Whether the data are two image domains, for a translator."""
    return name.startswith((UNPAIRED_PREFIX, COLOURISE_PREFIX))


def own_folder(name: str, prefix: str, data_dir: Path | None) -> Path:
    """The folder that ``name`` means: as it stands or, where that is not there, in ``data_dir``.

    The second makes the published name, which holds no path, enough to find the images again.

    Raises:
        TrainingError: nothing follows the prefix.
    """
    text = name.removeprefix(prefix)
    if not text:
        raise TrainingError(f"data {name!r} names no folder; it is {prefix}PATH")
    folder = Path(text).expanduser()
    if data_dir is not None and not folder.exists() and (data_dir / folder).exists():
        return data_dir / folder
    return folder


def published_name(prefix: str, folder: Path) -> str:
    """How cards name a user's own images: without the path on this machine."""
    return f"{prefix}{folder.resolve().name}"


def licence_of_own(licence: str | None) -> str:
    """The licence that a user states for own images.

    Raises:
        TrainingError: an empty one.
    """
    if licence is None:
        return NOT_STATED
    if not licence.strip():
        raise TrainingError(
            "the data licence is empty; state one, such as 'CC BY 4.0 (whom to credit)', or none"
        )
    return licence.strip()
