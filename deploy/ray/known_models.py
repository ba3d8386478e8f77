"""What is known of the models of each name: what a replica said last. Knows no replica."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.catalogue import Catalogue, FailedModel, ModelCatalogue
from app.settings import Settings
from deploy.ray.kinds import RemoteModel
from deploy.ray.messages import Described, Description


@dataclass(frozen=True)
class _Known:
    """Of one name."""

    models: Sequence[RemoteModel] = ()
    failed: Sequence[FailedModel] = ()


class KnownModels:
    """A model is the same object for as long as nothing that is said of it changes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._names: dict[str, _Known] = {}
        self.not_deployed: Sequence[FailedModel] = ()
        """What the folder holds besides these names."""

    def learn(self, name: str, description: Description) -> None:
        before = {(model.name, model.version): model for model in self._of(name).models}
        models = [
            _model(each, before.get((each.name, each.version))) for each in description.models
        ]
        self._names[name] = _Known(models, description.failed)

    def learn_kinds(self, name: str, description: Description) -> bool:
        """Only of which kind the replicas are, and whether that is new: no file comes or goes."""
        said = {(each.version, each.digest): each for each in description.models}
        before = self._of(name)
        after = replace(before, models=[_of_kind(model, said) for model in before.models])
        self._names[name] = after
        return any(new is not old for new, old in zip(after.models, before.models, strict=True))

    def keep(self, name: str, reason: str) -> None:
        """Nothing new is known of a name, which is listed as failed for that reason."""
        models = self._of(name).models
        if models:
            reason += "; what was known of it is still served"
        self._names[name] = _Known(models, [FailedModel(name, None, reason)])

    def forget(self) -> None:
        self._names.clear()

    @property
    def models(self) -> list[RemoteModel]:
        return [model for known in self._names.values() for model in known.models]

    @property
    def failed(self) -> list[FailedModel]:
        """Of these names, and why."""
        return [failed for known in self._names.values() for failed in known.failed]

    def catalogue(self) -> Catalogue:
        failed = [*self.failed, *self.not_deployed]
        return ModelCatalogue(self.models, failed, settings=self._settings)

    def _of(self, name: str) -> _Known:
        return self._names.get(name, _Known())


def _model(described: Described, before: RemoteModel | None) -> RemoteModel:
    is_same = (
        before is not None
        and (before.digest, before.checksum) == (described.digest, described.checksum)
        and before.kind == described.kind
    )
    if before is not None and is_same:
        return before
    return RemoteModel(
        name=described.name,
        version=described.version,
        digest=described.digest,
        card=described.model_card(),
        checksum=described.checksum,
        execution_provider=described.kind.execution_provider,
        directory=Path(described.directory),
        mixes_classes=described.mixes_classes,
        kind=described.kind,
        device=described.device,
    )


def _of_kind(model: RemoteModel, said: Mapping[tuple[int, str], Described]) -> RemoteModel:
    described = said.get((model.version, model.digest))
    if described is None or described.kind == model.kind:
        return model
    return replace(
        model,
        kind=described.kind,
        execution_provider=described.kind.execution_provider,
        device=described.device,
    )
