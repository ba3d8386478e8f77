"""The models that are served: by name, version or digest; the defaults. Knows no session.

Where they run is not said here.
"""

import re
from collections.abc import Callable, Sequence, Set
from typing import Generic, TypeVar

import structlog

from app.errors import InvalidParameter, ModelNotFound, shortened
from app.repository import FailedModel
from app.served_model import ServedModel
from app.settings import Settings
from app.withdrawals import is_withdrawn

__all__ = ["Catalogue", "FailedModel", "ModelCatalogue", "name_in"]

log = structlog.get_logger(__name__)

M_co = TypeVar("M_co", bound=ServedModel, covariant=True)

_REFERENCE = re.compile(
    r"(?P<name>[^/@]+)(/(?P<version>[1-9][0-9]{0,8})|@(?P<digest>[0-9a-fA-F]{12,64}))?", re.ASCII
)


class ModelCatalogue(Generic[M_co]):
    """What is served, and what is in the repository but failed, with its reason."""

    def __init__(
        self,
        models: Sequence[M_co],
        failed: Sequence[FailedModel],
        *,
        settings: Settings,
        withdrawn: Set[str] = frozenset(),
    ) -> None:
        """``withdrawn``: what is not served though the folder may hold it; see ``Withdrawals``."""
        self.withdrawn = withdrawn
        self.models = tuple(sorted(models, key=_place))
        self.failed = tuple(failed)
        self._versions: dict[str, list[M_co]] = {}
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

    @property
    def is_ready(self) -> bool:
        """Whether anything is served; what is served is warm, or it would not be here."""
        return bool(self.models)

    def resolve(self, reference: str) -> M_co:
        """Find the model of ``NAME`` (its highest version), ``NAME/VERSION`` or ``NAME@DIGEST``.

        Raises:
            InvalidParameter: ``reference`` has none of these forms.
            ModelNotFound: no such model is served; the message lists those that are.
        """
        match = _parsed(reference)
        for model in reversed(self._versions.get(match["name"], [])):
            if match["version"] and model.version != int(match["version"]):
                continue
            if match["digest"] and not model.digest.startswith(match["digest"].lower()):
                continue
            return model
        raise ModelNotFound(
            f"model {shortened(reference)!r} is not served; {self._what_is_served(match)}"
        )

    def default_generator(self) -> M_co:
        return self._default_of("generator")

    def default_conditional(self) -> M_co:
        return self._default_of("conditional generator")

    def default_translator(self) -> M_co:
        return self._default_of("translator")

    def serves_nothing_but(self, withdrawn: Set[str]) -> bool:
        return all(is_withdrawn(model.name, model.version, withdrawn) for model in self.models)

    def close(self) -> None:
        """Let go of every session."""
        self.models = ()
        self._versions = {}
        self._defaults = dict.fromkeys(self._defaults)

    def _default(self, wanted: str | None, suits: Callable[[ServedModel], bool]) -> M_co | None:
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

    def _default_of(self, kind: str) -> M_co:
        model = self._defaults[kind]
        if model is None:
            raise ModelNotFound(f"no {kind} is served; {self._what_is_served()}")
        return model

    def _what_is_served(self, match: re.Match[str] | None = None) -> str:
        unloaded = "it was unloaded, which POST /models/reload undoes; "
        why = unloaded if match and self._was_unloaded(match) else ""
        if match and match["name"] in self._versions:
            versions = self._versions[match["name"]]
            these = (f"{model.version} (@{model.digest[:12]})" for model in versions)
            return f"{why}its versions are: {', '.join(these)}"
        reasons = [p.reason for p in self.failed if match and p.name == match["name"]]
        why += f"it failed to load: {'; '.join(reasons)}; " if reasons else ""
        return f"{why}served are: {', '.join(self._versions) or '(none)'}"

    def _was_unloaded(self, match: re.Match[str]) -> bool:
        if match["version"]:
            return is_withdrawn(match["name"], int(match["version"]), self.withdrawn)
        is_gone = match["name"] not in self._versions
        return is_gone and any(each.split("/")[0] == match["name"] for each in self.withdrawn)


Catalogue = ModelCatalogue[ServedModel]


def name_in(reference: str) -> str:
    """NAME of ``NAME``, ``NAME/VERSION`` or ``NAME@DIGEST``.

    Raises:
        InvalidParameter: ``reference`` has none of these forms.
    """
    return _parsed(reference)["name"]


def _parsed(reference: str) -> re.Match[str]:
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise InvalidParameter(
            f"model {shortened(reference)!r} is not NAME, NAME/VERSION or NAME@DIGEST "
            "(12 to 64 hex digits of its sha256)"
        )
    return match


def _place(model: ServedModel) -> tuple[str, int]:
    return model.name, model.version


def _is_generator(model: ServedModel) -> bool:
    return model.card.kind == "generator"


def _is_conditional(model: ServedModel) -> bool:
    return model.card.kind == "generator" and model.card.is_conditional


def _is_translator(model: ServedModel) -> bool:
    return model.card.kind == "translator"
