"""The models in memory: by name, version or digest; the defaults. Knows no request's data."""

import re
from collections.abc import Callable, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import structlog

from app.cpu import num_usable_cores
from app.devices import ExecutionProvider
from app.errors import (
    ExecutionProviderUnavailable,
    InvalidParameter,
    ModelNotFound,
    ModelRefused,
    ReloadRefused,
    shortened,
)
from app.execution_providers import candidates
from app.loading import LoadedModel, load_model
from app.repository import FailedModel, ModelFile, Repository, scan
from app.settings import Settings
from app.withdrawals import is_withdrawn

__all__ = ["FailedModel", "LoadedModel", "Registry"]

log = structlog.get_logger(__name__)

MAX_REASON = 1000  # characters: a reason may quote the file that is refused

_REFERENCE = re.compile(
    r"(?P<name>[^/@]+)(/(?P<version>[1-9][0-9]{0,8})|@(?P<digest>[0-9a-fA-F]{12,64}))?", re.ASCII
)


class Registry:
    """Every model of the repository, loaded and warm, or failed with its reason."""

    def __init__(
        self,
        models: Sequence[LoadedModel],
        failed: Sequence[FailedModel],
        *,
        settings: Settings,
        provider: ExecutionProvider,
        withdrawn: Set[str] = frozenset(),
    ) -> None:
        """``withdrawn``: what is not served though the folder may hold it; see ``Withdrawals``."""
        self._settings, self._provider, self._withdrawn = settings, provider, withdrawn
        self.models = tuple(sorted(models, key=lambda model: (model.name, model.version)))
        self.failed = tuple(failed)
        self._versions: dict[str, list[LoadedModel]] = {}
        for model in self.models:
            self._versions.setdefault(model.name, []).append(model)
        self._defaults = {
            kind: self._default(wanted, suits)
            for kind, wanted, suits in (
                ("generator", settings.default_model, _is_generator),
                ("conditional generator", settings.default_conditional_model, _is_conditional),
                ("translator", settings.default_translator, _is_translator),
            )
        }

    @classmethod
    def load(cls, settings: Settings, *, withdrawn: Set[str] = frozenset()) -> Self:
        """Load and warm up every model of ``settings.models``; this takes a while.

        A process that takes another's place is told what is ``withdrawn``.

        Raises:
            ExecutionProviderUnavailable: the device that the settings ask for is not there.
        """
        *preferred, last = (
            provider.limited_to(settings.gpu_memory_limit_mib)
            for provider in candidates(settings.device)
        )
        for provider in preferred:
            try:
                return cls._load_on(provider, settings, withdrawn)
            except ExecutionProviderUnavailable as error:
                log.warning("execution_provider_unavailable", reason=error.detail)
        return cls._load_on(last, settings, withdrawn)

    @classmethod
    def _load_on(cls, provider: ExecutionProvider, settings: Settings, withdrawn: Set[str]) -> Self:
        try:
            repository = scan(settings.models)
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
        return cls(models, failed, settings=settings, provider=provider, withdrawn=withdrawn)

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
            repository = scan(folder)
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

    def serves_nothing_but(self, withdrawn: Set[str]) -> bool:
        return all(is_withdrawn(model.name, model.version, withdrawn) for model in self.models)

    def _with(
        self, models: Sequence[LoadedModel], failed: Sequence[FailedModel], withdrawn: Set[str]
    ) -> Self:
        return type(self)(
            models, failed, settings=self._settings, provider=self._provider, withdrawn=withdrawn
        )

    def _reload(self, file: ModelFile, before: LoadedModel | None) -> LoadedModel:
        try:
            return load_model(file, self._provider, self._settings, served=before)
        except ExecutionProviderUnavailable as error:
            raise ModelRefused(error.detail) from error

    def _by_version(self) -> dict[tuple[str, int], LoadedModel]:
        return {(model.name, model.version): model for model in self.models}

    @property
    def is_ready(self) -> bool:
        """Whether anything is served; what is served is warm, or it would not be here."""
        return bool(self.models)

    def resolve(self, reference: str) -> LoadedModel:
        """Find the model of ``NAME`` (its highest version), ``NAME/VERSION`` or ``NAME@DIGEST``.

        Raises:
            InvalidParameter: ``reference`` has none of these forms.
            ModelNotFound: no such model is served; the message lists those that are.
        """
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise InvalidParameter(
                f"model {shortened(reference)!r} is not NAME, NAME/VERSION or NAME@DIGEST "
                "(12 to 64 hex digits of its sha256)"
            )
        for model in reversed(self._versions.get(match["name"], [])):
            if match["version"] and model.version != int(match["version"]):
                continue
            if match["digest"] and not model.digest.startswith(match["digest"].lower()):
                continue
            return model
        raise ModelNotFound(
            f"model {shortened(reference)!r} is not served; {self._what_is_served(match)}"
        )

    def default_generator(self) -> LoadedModel:
        return self._default_of("generator")

    def default_conditional(self) -> LoadedModel:
        return self._default_of("conditional generator")

    def default_translator(self) -> LoadedModel:
        return self._default_of("translator")

    def close(self) -> None:
        """Let go of every session."""
        self.models = ()
        self._versions = {}
        self._defaults = dict.fromkeys(self._defaults)

    def _default(
        self, wanted: str | None, suits: Callable[[LoadedModel], bool]
    ) -> LoadedModel | None:
        """The model that the settings want, or else the first suitable one by name."""
        suitable = [model for model in self.models if suits(model)]
        try:
            model = self.resolve(wanted) if wanted else None
        except ModelNotFound:
            model = None
        if model in suitable:
            return model
        instead = next((last for last in reversed(suitable) if last.name == suitable[0].name), None)
        if wanted:
            log.info("default_not_served", wanted=wanted, instead=instead and instead.name)
        return instead

    def _default_of(self, kind: str) -> LoadedModel:
        model = self._defaults[kind]
        if model is None:
            raise ModelNotFound(f"no {kind} is served; {self._what_is_served()}")
        return model

    def _what_is_served(self, match: re.Match[str] | None = None) -> str:
        if match and match["name"] in self._versions:
            versions = self._versions[match["name"]]
            these = (f"{model.version} (@{model.digest[:12]})" for model in versions)
            return f"its versions are: {', '.join(these)}"
        reasons = [p.reason for p in self.failed if match and p.name == match["name"]]
        why = f"it failed to load: {'; '.join(reasons)}; " if reasons else ""
        if match and any(each.split("/")[0] == match["name"] for each in self._withdrawn):
            why += "it was unloaded, which POST /models/reload undoes; "
        return f"{why}served are: {', '.join(self._versions) or '(none)'}"


def _without(withdrawn: Set[str], files: Sequence[ModelFile]) -> list[ModelFile]:
    return [file for file in files if not is_withdrawn(file.name, file.version, withdrawn)]


def _log_failed(failed: Sequence[FailedModel]) -> None:
    for each in failed:
        log.error("model_failed", model=each.name, version=each.version, reason=each.reason)


def _is_generator(model: LoadedModel) -> bool:
    return model.card.kind == "generator"


def _is_conditional(model: LoadedModel) -> bool:
    return model.card.kind == "generator" and model.card.is_conditional


def _is_translator(model: LoadedModel) -> bool:
    return model.card.kind == "translator"
