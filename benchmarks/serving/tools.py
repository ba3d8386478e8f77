"""The programs that the benchmark needs and pip does not install. Knows no contestant."""

import shutil

_DEBIAN_PACKAGES = {"wrk": "wrk", "taskset": "util-linux", "node": "nodejs", "npm": "npm"}


class ToolMissing(Exception):
    """Says what to install."""


def require_tools() -> None:
    missing = [tool for tool in _DEBIAN_PACKAGES if shutil.which(tool) is None]
    if missing:
        packages = " ".join(_DEBIAN_PACKAGES[tool] for tool in missing)
        raise ToolMissing(f"not found: {', '.join(missing)}. On Debian: apt install {packages}")
