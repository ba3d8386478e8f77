"""A model repository that changes while it is served, and what each name means. Knows no server.

``tiny`` and ``tiny-conditional`` stay as they are, ``tiny-two`` comes and goes in versions,
``tiny-colour`` is replaced by another make under the same version.
"""

import hashlib
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.toy_models import make_card, make_model

CHANGING = ("tiny-two", "tiny-colour")
CLASS_NAMES = ("T-shirt/top", "Bag", "7")
SOUND_VERSIONS = range(1, 7)  # of tiny-two; the first is always there
NUM_MAKES = 3  # of tiny-colour


def _colour(make: int) -> bytes:
    card = make_card("tiny-colour", height=6, width=10, channels=3)
    return make_model(card, salt=make).SerializeToString()


def _version(number: int) -> bytes:
    return make_model(make_card("tiny-two"), salt=number).SerializeToString()


CORRUPT_VERSIONS: dict[int, Callable[[bytes], bytes]] = {
    7: lambda model: model[: len(model) // 2],
    8: lambda model: random.Random(0).randbytes(len(model)),
    9: lambda model: model,  # sound, but SHA256SUMS lists another
    10: lambda model: b"",
}
"""Of tiny-two, and what became of a model there. They are the highest: who serves one shows it."""

SUMS = f"{hashlib.sha256(b'another').hexdigest()}  tiny-two/9/model.onnx\n"


class ChangingRepository:
    """The folder; whatever is put there is in place at once, as operators should do it."""

    def __init__(self, folder: Path, *, beside: Iterable[Path] = ()) -> None:
        """``beside`` are folders of models that are copied into it and stay as they are."""
        self.folder = folder
        self.make = 0
        folder.mkdir()
        (folder / "SHA256SUMS").write_text(SUMS)
        steady = (
            make_card("tiny"),
            make_card("tiny-conditional", system="cgan", class_names=CLASS_NAMES),
        )
        for card in steady:
            self._put(card.name, 1, make_model(card).SerializeToString())
        self._put("tiny-colour", 1, _colour(self.make))
        for version in SOUND_VERSIONS[:2]:
            self._put("tiny-two", version, _version(version))
        for model in beside:
            shutil.copytree(model, folder / model.name)
        self.steady = [card.name for card in steady] + [model.name for model in beside]

    @property
    def versions(self) -> list[int]:
        """Of tiny-two, corrupt ones too."""
        folder = self.folder / "tiny-two"
        return sorted(int(each.name) for each in folder.iterdir() if each.name.isdecimal())

    def meant(self) -> dict[str, str]:
        """The digest that a changing model's name should mean once the service has looked."""
        highest = max(each for each in self.versions if each in SOUND_VERSIONS)
        return {
            "tiny-two": hashlib.sha256(_version(highest)).hexdigest(),
            "tiny-colour": hashlib.sha256(_colour(self.make)).hexdigest(),
        }

    def add_all_versions(self) -> None:
        for version in set(SOUND_VERSIONS) - set(self.versions):
            self._put("tiny-two", version, _version(version))

    def add_version(self, rng: random.Random) -> None:
        """One that is not there; where all are, one makes room first."""
        absent = sorted(set(SOUND_VERSIONS) - set(self.versions))
        if not absent:
            absent = [rng.choice(SOUND_VERSIONS[1:])]
            self._take("tiny-two", absent[0])
        version = rng.choice(absent)
        self._put("tiny-two", version, _version(version))

    def add_corrupt_version(self, rng: random.Random) -> None:
        version = rng.choice(list(CORRUPT_VERSIONS))
        if version in self.versions:
            self._take("tiny-two", version)
        self._put("tiny-two", version, CORRUPT_VERSIONS[version](_version(version)))

    def remove_version(self, rng: random.Random) -> None:
        removable = self.versions[1:]
        if removable:
            self._take("tiny-two", rng.choice(removable))

    def replace_file(self, rng: random.Random) -> None:
        """Put another make of tiny-colour in the place of the one that is there."""
        self.set_make((self.make + rng.randrange(1, NUM_MAKES)) % NUM_MAKES)

    def set_make(self, make: int) -> None:
        self.make = make
        new = self.folder / "tiny-colour/.new"
        new.write_bytes(_colour(self.make))
        new.replace(self.folder / "tiny-colour/1/model.onnx")

    def move_away(self) -> None:
        self.folder.rename(self.folder.with_name("away"))

    def move_back(self) -> None:
        self.folder.with_name("away").rename(self.folder)

    def _put(self, name: str, version: int, model: bytes) -> None:
        new = self.folder / name / ".new"
        new.mkdir(parents=True)
        (new / "model.onnx").write_bytes(model)
        new.rename(self.folder / name / str(version))

    def _take(self, name: str, version: int) -> None:
        gone = self.folder / name / ".gone"
        (self.folder / name / str(version)).rename(gone)
        shutil.rmtree(gone)
