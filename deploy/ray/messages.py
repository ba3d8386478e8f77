"""What travels between the ingress and the replicas of a model. Knows no Ray.

Small arrays go in, uint8 images come back; an error travels as what it says, never as itself: a
replica's exception would arrive wrapped, logged as a crash, and only if it can be pickled.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app import errors
from app.catalogue import FailedModel
from app.errors import GanServeError
from app.pending import Inputs
from app.repository import Checksum
from contract import ModelCard


class Kind(NamedTuple):
    """What decides the bytes that a replica makes of a model, its parameters apart."""

    key: str  # ``Reproducibility.key_of``, of that replica
    runtime: str  # what of the key is the replica's, without model and device
    execution_provider: str
    is_exact: bool


class Task(NamedTuple):
    """One request for a model's images."""

    digest: str
    inputs: Inputs
    timeout_s: float  # left when it was sent: clocks of machines differ
    kind: Kind | None = None  # the only one that may answer; None: any


class Answer(NamedTuple):
    images: NDArray[np.uint8]
    queue_seconds: float
    inference_seconds: float
    kind: Kind


class Refusal(NamedTuple):
    """An error of ``app.errors`` on its way."""

    error: str  # the name of its class
    detail: str
    headers: dict[str, str]
    elsewhere: bool = False  # another replica may well do what this one cannot


@dataclass(frozen=True)
class Described:
    """One model as a replica serves it."""

    name: str
    version: int
    digest: str
    card: dict[str, Any]
    checksum: Checksum
    directory: str
    mixes_classes: bool
    device: str
    kind: Kind

    def model_card(self) -> ModelCard:
        return ModelCard.model_validate(self.card)


@dataclass(frozen=True)
class Description:
    """All versions of one name, as a replica serves them."""

    models: list[Described] = field(default_factory=list)
    failed: list[FailedModel] = field(default_factory=list)


def refusal_of(error: GanServeError, *, elsewhere: bool = False) -> Refusal:
    known = next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
    return Refusal(known.__name__, error.detail, error.headers, elsewhere)


def error_of(refusal: Refusal) -> GanServeError:
    """The error again, as good as the one that was raised over there."""
    kind = getattr(errors, refusal.error, GanServeError)
    error: GanServeError = kind.__new__(kind)
    GanServeError.__init__(error, refusal.detail, headers=dict(refusal.headers))
    return error
