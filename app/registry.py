"""The models in memory: every one of the repository, loaded and warm. Knows no request's data."""

from collections.abc import Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import structlog

from app.catalogue import ModelCatalogue
from app.cpu import num_usable_cores
from app.devices import ExecutionProvider
from app.errors import ExecutionProviderUnavailable, ModelRefused, ReloadRefused
from app.execution_providers import candidates
from app.loading import LoadedModel, load_model
from app.repository import FailedModel, ModelFile, Repository, scan
from app.settings import Settings
from app.withdrawals import is_withdrawn

__all__ = ["FailedModel", "LoadedModel", "Registry"]

log = structlog.get_logger(__name__)

MAX_REASON = 1000  # characters: a reason may quote the file that is refused


class Registry(ModelCatalogue[LoadedModel]):
    """Every model of the repository, loaded and warm, or failed with its reason."""

    def __init__(
        self,
        models: Sequence[LoadedModel],
        failed: Sequence[FailedModel],
        *,
        settings: Settings,
        provider: ExecutionProvider,
        only: str | None = None,
        withdrawn: Set[str] = frozenset(),
    ) -> None:
        super().__init__(models, failed, settings=settings, withdrawn=withdrawn)
        self._settings, self._provider, self._only = settings, provider, only

    @classmethod
    def load(
        cls, settings: Settings, *, only: str | None = None, withdrawn: Set[str] = frozenset()
    ) -> Self:
        """Load and warm up every model of ``settings.models``; this takes a while.

        ``only`` is the one name to look for; None: all there are. What is ``withdrawn`` is left
        out.

        Raises:
            ExecutionProviderUnavailable: the device that the settings ask for is not there.
        """
        *preferred, last = (
            provider.limited_to(settings.gpu_memory_limit_mib)
            for provider in candidates(settings.device)
        )
        for provider in preferred:
            try:
                return cls._load_on(provider, settings, only, withdrawn)
            except ExecutionProviderUnavailable as error:
                log.warning("execution_provider_unavailable", reason=error.detail)
        return cls._load_on(last, settings, only, withdrawn)

    @classmethod
    def _load_on(
        cls,
        provider: ExecutionProvider,
        settings: Settings,
        only: str | None,
        withdrawn: Set[str],
    ) -> Self:
        try:
            repository = scan(settings.models, only=only)
        except OSError as error:
            folder = str(settings.models.absolute())
            log.error("repository_unreadable", folder=folder, reason=error.strerror)
            repository = Repository()

        def load(file: ModelFile) -> LoadedModel | FailedModel:
            try:
                return load_model(file, provider, settings)
            except ModelRefused as error:
                return FailedModel(file.name, file.version, error.detail[:MAX_REASON])

        # A session is made without the GIL; providers that run one at a time also load so.
        with ThreadPoolExecutor(provider.num_parallel_runs or num_usable_cores()) as pool:
            outcomes = list(pool.map(load, _without(withdrawn, repository.files)))
        models = [each for each in outcomes if isinstance(each, LoadedModel)]
        refused = [each for each in outcomes if isinstance(each, FailedModel)]
        failed = [*repository.failed, *refused]
        _log_failed(failed)
        return cls(
            models, failed, settings=settings, provider=provider, only=only, withdrawn=withdrawn
        )

    def reloaded(self, *, withdrawn: Set[str] = frozenset()) -> Self:
        """What the repository holds now, on the same device; models that are the same stay so.

        A version whose file was replaced by one that is refused stays, too, and is listed as
        failed. What is ``withdrawn`` does not stay. One after the other is loaded, since requests
        need the cores.

        Raises:
            ReloadRefused: the repository cannot be read, or no model of it can be served.
        """
        folder, served = self._settings.models, self._by_version()
        try:
            repository = scan(folder, only=self._only)
        except OSError as error:
            raise ReloadRefused(
                f"the models folder {str(folder)!r} cannot be read ({error.strerror}); "
                "what was served still is"
            ) from error
        models, failed = [], list(repository.failed)
        for file in _without(withdrawn, repository.files):
            before = served.get((file.name, file.version))
            try:
                models.append(self._reload(file, before))
            except ModelRefused as error:
                reason = error.detail[:MAX_REASON]
                if before is not None and file.path.exists():
                    reason += "; the file that was there before is still served"
                    models.append(before)
                failed.append(FailedModel(file.name, file.version, reason))
        _log_failed(failed)
        if self.models and not models:
            raise ReloadRefused(
                f"the models folder {str(folder)!r} holds no model that can be served; "
                "what was served still is"
            )
        return self._with(models, failed, withdrawn)

    def without(self, withdrawn: Set[str]) -> Self:
        """The same models but for those; the folder is not looked at."""
        models = [
            model for model in self.models if not is_withdrawn(model.name, model.version, withdrawn)
        ]
        return self._with(models, self.failed, withdrawn)

    def _with(
        self, models: Sequence[LoadedModel], failed: Sequence[FailedModel], withdrawn: Set[str]
    ) -> Self:
        return type(self)(
            models, failed, settings=self._settings, provider=self._provider, only=self._only,
            withdrawn=withdrawn,
        )  # fmt: skip

    def _reload(self, file: ModelFile, before: LoadedModel | None) -> LoadedModel:
        try:
            return load_model(file, self._provider, self._settings, served=before)
        except ExecutionProviderUnavailable as error:
            raise ModelRefused(error.detail) from error

    def _by_version(self) -> dict[tuple[str, int], LoadedModel]:
        return {(model.name, model.version): model for model in self.models}


def _without(withdrawn: Set[str], files: Sequence[ModelFile]) -> list[ModelFile]:
    return [file for file in files if not is_withdrawn(file.name, file.version, withdrawn)]


def _log_failed(failed: Sequence[FailedModel]) -> None:
    for each in failed:
        log.error("model_failed", model=each.name, version=each.version, reason=each.reason)
