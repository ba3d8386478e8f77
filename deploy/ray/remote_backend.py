"""The models of a service that run on replicas: found, described, reached. Knows no Ray."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence, Set
from enum import Enum
from typing import Any, TypeVar

import structlog

from app.catalogue import Catalogue, FailedModel
from app.errors import NotReady, ReloadRefused
from app.hang_watch import HangWatch
from app.metrics import Metrics
from app.repository import scan
from app.settings import Settings
from deploy.ray.kinds import RemoteKinds
from deploy.ray.known_models import KnownModels
from deploy.ray.messages import Description
from deploy.ray.remote_runner import RemoteRunners, Replicas
from deploy.ray.sending import Lost, Sender

PATIENCE_S = 300.0
"""For the first replicas: machines may have to be started for them."""

PROMPT_S = 5.0
"""So long a reload waits for all names; those that answer later are served then."""

PAUSE_S = 15.0
"""Before a name that had no replica is asked for again."""

_NO_REQUESTS = (
    "models are not changed by a request here: the service runs on Ray Serve, whose other "
    "ingresses and replicas would not hear of it; change the models folder, then change `revision` "
    "of the ingress in the config file and deploy again, or set watch_models_s"
)

T = TypeVar("T")

log = structlog.get_logger(__name__)


class _Asked(Enum):
    """What came of asking a name for its models."""

    ANSWERED = "answered"
    REFUSED = "refused"
    UNREACHED = "unreached"


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
        prompt_s: float = PROMPT_S,
        pause_s: float = PAUSE_S,
    ) -> None:
        """``lost`` as ``Sender`` takes it; ``num_bulk`` runs for a data set are under way."""
        self._settings, self._replicas = settings, replicas
        self._lost, self._num_bulk = lost, num_bulk
        self._patience_s, self._prompt_s, self._pause_s = patience_s, prompt_s, pause_s
        self.reproducibility = RemoteKinds(exact_batch_size=settings.exact_batch_size)
        self._known = KnownModels(settings)
        self._looks: set[asyncio.Task[Any]] = set()
        self._looks_for_kinds: dict[str, asyncio.Task[None]] = {}
        self._adopt: Callable[[Catalogue], object] = lambda catalogue: None

    async def load(self, *, withdrawn: Set[str] = frozenset()) -> Catalogue:
        """What the replicas serve.

        A name without any within ``patience_s`` is listed as failed, and served once it has one.

        Raises:
            NotReady: there was none of any name.
        """
        try:
            return await self._look(rescan=False, within_s=None, otherwise=NotReady)
        except NotReady:
            self.close()
            raise

    def runners(self, metrics: Metrics, hangs: HangWatch) -> RemoteRunners:
        return RemoteRunners(
            self._replicas, self.reproducibility, self._settings, metrics, hangs,
            lost=self._lost, num_bulk=self._num_bulk, on_kind_missed=self._look_for_kinds,
        )  # fmt: skip

    async def reloaded(self, *, withdrawn: Set[str] = frozenset()) -> Catalogue:
        """What the folder holds now; replicas that have not heard of it look when they are asked.

        A name whose replicas do not answer within ``prompt_s``, or cannot read it, stays as it was;
        what is late is served once it is there.

        Raises:
            ReloadRefused: so it is with every name.
        """
        return await self._look(rescan=True, within_s=self._prompt_s, otherwise=ReloadRefused)

    def without(self, withdrawn: Set[str]) -> Catalogue:
        """Models are never withdrawn here; raises ReloadRefused."""
        raise ReloadRefused(_NO_REQUESTS)

    def admit_request(self) -> None:
        """The other ingresses and replicas would not hear of it; raises ReloadRefused."""
        raise ReloadRefused(_NO_REQUESTS)

    def tell_others(self) -> None:
        """Other ingresses see for themselves: by the deployment's revision, or watch_models_s."""

    def on_change(self, adopt: Callable[[Catalogue], object]) -> None:
        self._adopt = adopt

    def close(self) -> None:
        for look in self._looks:
            look.cancel()
        self._known.forget()

    async def _look(
        self, *, rescan: bool, within_s: float | None, otherwise: type[NotReady | ReloadRefused]
    ) -> Catalogue:
        for look in self._looks:
            look.cancel()  # it may have passed by what came since
        asked = {name: self._start(self._ask(name, rescan=rescan)) for name in self._replicas}
        await asyncio.wait(asked.values(), timeout=within_s)
        self._known.not_deployed = await asyncio.to_thread(self._not_deployed)
        outcomes = {each.result() if each.done() else None for each in asked.values()}
        for name, each in asked.items():
            if not each.done() or each.result() is _Asked.UNREACHED:
                self._start(self._go_on(name, each, is_news=not each.done(), rescan=rescan))
        if outcomes.isdisjoint({_Asked.ANSWERED, None}):
            raise otherwise("; ".join(each.reason for each in self._known.failed))
        return self._catalogue()

    async def _go_on(
        self, name: str, asked: asyncio.Task[_Asked], *, is_news: bool, rescan: bool
    ) -> None:
        """Until replicas of the name have answered; what is found out is served."""
        while True:
            outcome = await asked
            if is_news or outcome is not _Asked.UNREACHED:
                self._adopt(self._catalogue())
            if outcome is not _Asked.UNREACHED:
                return
            is_news = False
            await asyncio.sleep(self._pause_s)
            asked = self._start(self._ask(name, rescan=rescan))

    async def _ask(self, name: str, *, rescan: bool) -> _Asked:
        try:
            description = await self._describe(name, rescan=rescan)
        except NotReady as error:
            log.error("replicas_unreached", model=name, reason=error.detail)
            self._known.keep(name, error.detail)
            return _Asked.UNREACHED
        except ReloadRefused as error:
            log.error("reload_refused", model=name, reason=error.detail)
            self._known.keep(name, error.detail)
            return _Asked.REFUSED
        self._known.learn(name, description)
        return _Asked.ANSWERED

    def _look_for_kinds(self, name: str) -> None:
        """Of which kind a name's replicas are now: those of the one that is known seem to be gone.

        Data sets under way stay of theirs; those that begin later are of one that is there.
        """
        if name not in self._looks_for_kinds:
            look = self._looks_for_kinds[name] = self._start(self._learn_kinds(name))
            look.add_done_callback(lambda _: self._looks_for_kinds.pop(name))

    async def _learn_kinds(self, name: str) -> None:
        try:
            description = await self._describe(name, rescan=False)
        except (NotReady, ReloadRefused) as error:
            log.warning("kinds_unknown", model=name, reason=error.detail)
            return
        if self._known.learn_kinds(name, description):
            log.info("kinds_changed", model=name)
            self._adopt(self._catalogue())

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

    def _start(self, look: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(look)
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)
        return task

    def _catalogue(self) -> Catalogue:
        self.reproducibility.forget_all_but(self._known.models)
        return self._known.catalogue()

    def _not_deployed(self) -> Sequence[FailedModel]:
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
