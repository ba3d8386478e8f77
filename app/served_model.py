"""What is known of a served model, wherever it runs. Knows no session."""

from dataclasses import dataclass
from pathlib import Path

from app.repository import Checksum
from contract import ModelCard


@dataclass(frozen=True, eq=False)
class ServedModel:
    """One served version of a model.

    The folder's name is the name that is served, also where the card says otherwise, so that
    copying a folder makes a second model; ``card.name`` is that name, too.
    """

    name: str
    version: int
    digest: str  # sha256 of the file, hex
    card: ModelCard
    checksum: Checksum
    execution_provider: str  # the one that is really active
    directory: Path
    mixes_classes: bool  # takes rows that weigh its classes
