"""The models of a running service, changed without a pause: one reload at a time. Knows no route.

What is new is loaded and warm before anything changes; then all of it is served at once. Requests
that are under way keep the models that they began with.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from app.catalogue import Catalogue, FailedModel
from app.errors import ReloadRefused

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Changes:
    """What a reload did, by NAME/VERSION."""

    added: tuple[str, ...]
    replaced: tuple[str, ...]  # another file under the same name and version
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    failed: tuple[FailedModel, ...]  # a version that was served before still is


class Reloader:
    """``reloaded`` reads the repository again; ``adopt`` is told of what to serve from now on."""

    def __init__(
        self,
        catalogue: Catalogue,
        reloaded: Callable[[], Awaitable[Catalogue]],
        adopt: Callable[[Catalogue], object],
        *,
        tell_others: Callable[[], object] = lambda: None,
    ) -> None:
        """``catalogue`` is served; ``tell_others`` asks other processes to do the same."""
        self._catalogue, self._reloaded = catalogue, reloaded
        self._adopt, self._tell_others = adopt, tell_others
        self._one_at_a_time = asyncio.Lock()

    async def reload_everywhere(self) -> Changes:
        """Reload, and have the other workers follow; raises as ``reload`` does."""
        changes = await self.reload()
        self._tell_others()
        return changes

    async def reload(self) -> Changes:
        """Serve what the repository holds now.

        Raises:
            ReloadRefused: it cannot be read, or nothing would be left; all stays as it is.
        """
        async with self._one_at_a_time:
            before = self._catalogue
            try:
                after = await self._reloaded()
            except ReloadRefused as error:
                log.error("reload_refused", reason=error.detail)
                raise
            self._catalogue = after
            self._adopt(after)
            changes = _changes(before, after)
        log.info(
            "reloaded",
            added=changes.added,
            replaced=changes.replaced,
            removed=changes.removed,
            num_failed=len(changes.failed),
        )
        return changes


def _changes(before: Catalogue, after: Catalogue) -> Changes:
    old, new = (
        {f"{model.name}/{model.version}": model.digest for model in registry.models}
        for registry in (before, after)
    )
    return Changes(
        added=tuple(each for each in new if each not in old),
        replaced=tuple(each for each in new if each in old and new[each] != old[each]),
        removed=tuple(each for each in old if each not in new),
        unchanged=tuple(each for each in new if old.get(each) == new[each]),
        failed=after.failed,
    )
