"""Which GANSERVE_ variables the environment may hold. Knows no setting's meaning.

pydantic-settings ignores variables that match no field, so a misspelt one would have no effect.
"""

import os
import re
from collections.abc import Set

PREFIX = "GANSERVE_"

# What Kubernetes injects for Services named ganserve or ganserve-*: not ours, and not misspelt.
_KUBERNETES_NAME = re.compile(
    PREFIX + r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)"
)
_KUBERNETES_PORT_VALUE = re.compile(r"(tcp|udp|sctp)://")


def refuse_unknown_variables(known: Set[str]) -> None:
    """Raise ValueError if there is a variable with our prefix that is not among ``known``."""
    unknown = [
        name
        for name, value in os.environ.items()
        if name.upper().startswith(PREFIX)
        and name.upper() not in known
        and not _is_from_kubernetes(name.upper(), value)
    ]
    if unknown:
        raise ValueError(
            f"unknown environment variable {', '.join(sorted(unknown))}; "
            f"known are: {', '.join(sorted(known))}"
        )


def is_kubernetes_port(value: str) -> bool:
    """Whether ``value`` is what Kubernetes puts into ``..._PORT``: an address, not a number."""
    return _KUBERNETES_PORT_VALUE.match(value) is not None


def _is_from_kubernetes(name: str, value: str) -> bool:
    if name.endswith("_PORT") and is_kubernetes_port(value):
        return True
    return _KUBERNETES_NAME.fullmatch(name) is not None
