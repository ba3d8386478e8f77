"""Where the models of an app are and what runs them: in this process, or wherever else.

``create_app`` is handed one; routes and engine do not know which.
"""

import asyncio
from typing import Protocol

from app.catalogue import Catalogue
from app.hang_watch import HangWatch
from app.metrics import Metrics
from app.own_runners import OwnRunners
from app.registry import Registry
from app.reload_triggers import tell_other_workers
from app.reproducibility import Reproducibility
from app.runners import Runners
from app.settings import Settings


class Backend(Protocol):
    """What an app asks of it, in this order; ``reloaded`` at each reload."""

    @property
    def reproducibility(self) -> Reproducibility:
        """The keys of what is served."""

    async def load(self) -> Catalogue:
        """What is served, once it is warm."""

    def runners(self, metrics: Metrics, hangs: HangWatch) -> Runners:
        """What runs it; ``hangs`` looks at runs of this process."""

    async def reloaded(self) -> Catalogue:
        """What is served now; models that are the same stay so.

        Raises:
            ReloadRefused: the repository cannot be read, or nothing would be left.
        """

    def tell_others(self) -> None:
        """Have other processes of the same service reload, too."""

    def close(self) -> None:
        """Let go of what is served; the runners are closed."""


class OwnBackend:
    """The models of the settings' folder, in this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._registry: Registry | None = None
        self.reproducibility = Reproducibility(exact_batch_size=settings.exact_batch_size)

    async def load(self) -> Registry:
        self._registry = await asyncio.to_thread(Registry.load, self._settings)
        return self._registry

    def runners(self, metrics: Metrics, hangs: HangWatch) -> OwnRunners:
        return OwnRunners(self._loaded().models, self._settings, metrics, hangs)

    async def reloaded(self) -> Registry:
        self._registry = await asyncio.to_thread(self._loaded().reloaded)
        return self._registry

    def tell_others(self) -> None:
        tell_other_workers()

    def close(self) -> None:
        self._loaded().close()

    def _loaded(self) -> Registry:
        if self._registry is None:
            raise RuntimeError("nothing is loaded: load() comes first")
        return self._registry
