"""The models of a service that run on replicas: found, described, reached. Knows no Ray."""

import asyncio
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

import structlog

from app.catalogue import Catalogue, FailedModel, ModelCatalogue
from app.errors import NotReady, ReloadRefused
from app.hang_watch import HangWatch
from app.metrics import Metrics
from app.repository import scan
from app.settings import Settings
from deploy.ray.kinds import RemoteKinds, RemoteModel
from deploy.ray.messages import Described, Description
from deploy.ray.remote_runner import RemoteRunners, Replicas
from deploy.ray.sending import Lost, Sender

PATIENCE_S = 300.0
"""For the first replicas: machines may have to be started for them."""

log = structlog.get_logger(__name__)


class RemoteBackend:
    """``app.backend.Backend`` by replicas, one set of them for each name."""

    def __init__(
        self,
        settings: Settings,
        replicas: Mapping[str, Replicas],
        *,
        lost: Lost,
        num_bulk: int,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """``lost`` as ``Sender`` takes it; ``num_bulk`` runs for a data set are under way."""
        self._settings, self._replicas = settings, replicas
        self._lost, self._num_bulk, self._patience_s = lost, num_bulk, patience_s
        self.reproducibility = RemoteKinds(exact_batch_size=settings.exact_batch_size)
        self._models: dict[tuple[str, int], RemoteModel] = {}

    async def load(self, *, withdrawn: Set[str] = frozenset()) -> Catalogue:
        """What the replicas serve; a name without any within ``patience_s`` is listed as failed.

        Raises:
            NotReady: there was none of any name.
        """
        return await self._look(rescan=False)

    def runners(self, metrics: Metrics, hangs: HangWatch) -> RemoteRunners:
        return RemoteRunners(
            self._replicas, self.reproducibility, self._settings, metrics, hangs,
            lost=self._lost, num_bulk=self._num_bulk,
        )  # fmt: skip

    async def reloaded(self, *, withdrawn: Set[str] = frozenset()) -> Catalogue:
        """What the folder holds now; replicas that have not heard of it look when they are asked.

        A name whose replicas do not answer stays as it was, and is listed as failed.

        Raises:
            ReloadRefused: a replica cannot read it, or nothing would be left of its model, or of
                all where some do not answer.
        """
        return await self._look(rescan=True)

    def without(self, withdrawn: Set[str]) -> Catalogue:
        """Models are not taken off by a request: the other ingresses would not hear of it.

        Raises:
            ReloadRefused: always.
        """
        raise ReloadRefused(
            f"{', '.join(sorted(withdrawn))} cannot be unloaded by a request: the service runs on "
            "Ray Serve; take it out of the models folder or of the config file, and deploy again"
        )

    def tell_others(self) -> None:
        """Other ingresses see for themselves: by the deployment's revision, or watch_models_s."""

    def close(self) -> None:
        self._models.clear()

    async def _look(self, *, rescan: bool) -> Catalogue:
        asked = (self._found(name, rescan=rescan) for name in self._replicas)
        found = await asyncio.gather(*asked)
        models = [model for each in found for model in each.models]
        failed = [failed for each in found for failed in each.failed]
        unreached = [each.unreached for each in found if each.unreached]
        if unreached and not models:
            raise (ReloadRefused if rescan else NotReady)("; ".join(unreached))
        failed += await asyncio.to_thread(self._not_deployed)
        self._models = {(model.name, model.version): model for model in models}
        self.reproducibility.forget_all_but(models)
        return ModelCatalogue(models, failed, settings=self._settings)

    async def _found(self, name: str, *, rescan: bool) -> "_Found":
        try:
            description = await self._describe(name, rescan=rescan)
        except NotReady as error:
            log.error("replicas_unreached", model=name, reason=error.detail)
            before = [model for model in self._models.values() if model.name == name]
            reason = error.detail
            if before:
                reason += "; what was known of it is still served"
            return _Found(before, [FailedModel(name, None, reason)], error.detail)
        return _Found([self._known(each) for each in description.models], description.failed)

    async def _describe(self, name: str, *, rescan: bool) -> Description:
        """Raises NotReady where no replica answers, or all that are asked are lost."""
        sender = Sender(name, self._lost, lambda reason: None)
        replicas = self._replicas[name]
        try:
            async with asyncio.timeout(self._patience_s):
                return await sender.send(lambda: replicas.describe(rescan=rescan))
        except TimeoutError:
            reason = f"no replica of model {name!r} within {self._patience_s:g} s"
            raise NotReady(reason) from None

    def _known(self, described: Described) -> RemoteModel:
        """The model, and the same one as before where it is the same."""
        before = self._models.get((described.name, described.version))
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

    def _not_deployed(self) -> list[FailedModel]:
        """What is in the folder, but has no replicas: it came after the deployment."""
        try:
            found = scan(self._settings.models)
        except OSError as error:
            log.warning("repository_unreadable", reason=error.strerror)
            return []
        new = [file for file in found.files if file.name not in self._replicas]
        reason = "it has no replicas: it came after the last `serve deploy`"
        failed = [each for each in found.failed if each.name not in self._replicas]
        return failed + [FailedModel(file.name, file.version, reason) for file in new]


@dataclass(frozen=True)
class _Found:
    """What is to be said of one name."""

    models: list[RemoteModel]
    failed: list[FailedModel]
    unreached: str | None = None  # why no replica said so
