"""Where the models of an app are and what runs them: in this process, or wherever else.

``create_app`` is handed one; routes and engine do not know which.
"""

import asyncio
from collections.abc import Callable, Set
from functools import partial
from typing import Protocol

from app.catalogue import Catalogue
from app.hang_watch import HangWatch
from app.metrics import Metrics
from app.own_runners import OwnRunners
from app.registry import Registry
from app.reload_triggers import tell_other_workers
from app.reloading import Source
from app.reproducibility import Reproducibility
from app.runners import Runners
from app.settings import Settings


class Backend(Source, Protocol):
    """What an app asks of it, in this order; ``reloaded`` at each reload."""

    @property
    def reproducibility(self) -> Reproducibility:
        """The keys of what is served."""

    async def load(self, *, withdrawn: Set[str]) -> Catalogue:
        """What is served, once it is warm; what is ``withdrawn`` is left out."""

    def runners(self, metrics: Metrics, hangs: HangWatch) -> Runners:
        """What runs it; ``hangs`` looks at runs of this process."""

    def close(self) -> None:
        """Let go of what is served; the runners are closed."""


class OwnBackend:
    """The models of the settings' folder, in this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._registry: Registry | None = None
        self.reproducibility = Reproducibility(exact_batch_size=settings.exact_batch_size)

    async def load(self, *, withdrawn: Set[str] = frozenset()) -> Registry:
        load = partial(Registry.load, self._settings, withdrawn=withdrawn)
        self._registry = await asyncio.to_thread(load)
        return self._registry

    def runners(self, metrics: Metrics, hangs: HangWatch) -> OwnRunners:
        return OwnRunners(self._loaded().models, self._settings, metrics, hangs)

    async def reloaded(self, *, withdrawn: Set[str] = frozenset()) -> Registry:
        reloaded = partial(self._loaded().reloaded, withdrawn=withdrawn)
        self._registry = await asyncio.to_thread(reloaded)
        return self._registry

    def without(self, withdrawn: Set[str]) -> Registry:
        self._registry = self._loaded().without(withdrawn)
        return self._registry

    def admit_request(self) -> None:
        """Any request may."""

    def tell_others(self) -> None:
        tell_other_workers()

    def on_change(self, adopt: Callable[[Catalogue], object]) -> None:
        """Nothing changes here unless it is asked for."""

    def close(self) -> None:
        self._loaded().close()

    def _loaded(self) -> Registry:
        if self._registry is None:
            raise RuntimeError("nothing is loaded: load() comes first")
        return self._registry
