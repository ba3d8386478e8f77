"""Replicas of different kinds: the keys of what they make, as the ingress sends it on.

An answer's bytes are made in two places: pixels on a replica, the file around them in the ingress.
Where both have the same runtime the key is the one that a service in one process has.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.reproducibility import LENGTH, Reproducibility
from app.served_model import ServedModel
from deploy.ray.messages import Kind

MAX_KINDS = 16
"""Other kinds that are remembered for a model; the one that answered last stays longest."""


@dataclass(frozen=True, eq=False)
class RemoteModel(ServedModel):
    """A model that runs on replicas, as those of one kind serve it."""

    kind: Kind
    device: str


def runtime_key(reproducibility: Reproducibility) -> str:
    return _digest(json.dumps(dict(reproducibility.runtime), sort_keys=True))


class RemoteKinds(Reproducibility):
    """The keys of models that run elsewhere, by what their replicas said."""

    def __init__(self, *, exact_batch_size: int | None) -> None:
        super().__init__(exact_batch_size=exact_batch_size)
        self._own_runtime = runtime_key(self)
        self._variants: dict[_File, dict[Kind, RemoteModel]] = {}

    def key_of(self, model: ServedModel) -> str:
        kind = _remote(model).kind
        if kind.runtime == self._own_runtime:
            return kind.key
        return _digest(f"{kind.key} encoded by {self._own_runtime}")

    def device_of(self, model: ServedModel) -> str:
        return _remote(model).device

    def is_exact(self, model: ServedModel) -> bool:
        return _remote(model).kind.is_exact

    def variants_of(self, model: ServedModel) -> Iterable[ServedModel]:
        kinds = self._variants.get(_file(model), {})
        return [kinds[kind] for kind in kinds if kind != _remote(model).kind]

    def variant(self, model: RemoteModel, kind: Kind) -> RemoteModel:
        """The model as replicas of another kind serve it, which is remembered."""
        kinds = self._variants.setdefault(_file(model), {})
        found = kinds.pop(kind, None) or replace(
            model,
            kind=kind,
            execution_provider=kind.execution_provider,
            device=model.device if kind == model.kind else "another kind",
        )
        kinds[kind] = found
        while len(kinds) > MAX_KINDS:
            del kinds[next(iter(kinds))]
        return found

    def forget_all_but(self, models: Iterable[ServedModel]) -> None:
        for file in set(self._variants) - {_file(model) for model in models}:
            del self._variants[file]


_File = tuple[str, int, str]


def _file(model: ServedModel) -> _File:
    return model.name, model.version, model.digest


def _remote(model: ServedModel) -> RemoteModel:
    if not isinstance(model, RemoteModel):
        raise TypeError(f"model {model.name!r} runs in this process")
    return model


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
