"""Which distributions a list of requirements pulls in here, each with what it needs itself.

Knows no licence and no format.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT: dict[str, Any] = tomllib.loads(
    (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
)["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


@dataclass(frozen=True)
class Installed:
    """A distribution of this environment, and the canonical names of those that it needs."""

    distribution: metadata.Distribution
    needs: set[str] = field(default_factory=set)

    @property
    def version(self) -> str:
        return self.distribution.version


def required_by(extras: Iterable[str]) -> list[Requirement]:
    """The project's own requirements: the base and these extras."""
    texts = [*PROJECT["dependencies"], *(text for extra in extras for text in EXTRAS[extra])]
    return [Requirement(text) for text in texts]


def closure(requirements: Iterable[Requirement]) -> dict[str, Installed]:
    """All that is installed of what they need, by canonical name; what is not here is left out."""
    queue, found = list(requirements), dict[str, Installed]()
    seen: set[tuple[str, frozenset[str]]] = set()
    while queue:
        requirement = queue.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            installed = found.setdefault(name, Installed(metadata.distribution(name)))
        except metadata.PackageNotFoundError:
            continue
        children = _needed(installed.distribution, extras)
        installed.needs.update(canonicalize_name(child.name) for child in children)
        queue += children
    return found


def _needed(distribution: metadata.Distribution, extras: frozenset[str]) -> list[Requirement]:
    """What it needs on this interpreter and system, with these extras."""
    requirements = [Requirement(text) for text in distribution.requires or []]
    return [
        each
        for each in requirements
        if each.marker is None
        or any(each.marker.evaluate({"extra": extra}) for extra in extras or {""})
    ]
