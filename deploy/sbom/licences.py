"""The licence of an installed distribution as an SPDX expression. Knows no list of allowed ones.

Most packages state an expression (PEP 639). Older ones state a name of their own, the whole text,
or a classifier; of those that state several, or nothing, somebody read the licence file.
"""

from importlib import metadata

from packaging.utils import canonicalize_name

UNKNOWN = "unknown"

_READ = {  # in the licence file of each
    "axe-playwright-python": "MIT",
    "kubernetes-validate": "Apache-2.0",
    "nvidia-cublas": "LicenseRef-NVIDIA-Proprietary",
    "nvidia-cuda-runtime": "LicenseRef-NVIDIA-Proprietary",
    "nvidia-cudnn-cu13": "LicenseRef-NVIDIA-Proprietary",
    "nvidia-nvjitlink": "LicenseRef-NVIDIA-Proprietary",
    "scipy": "BSD-3-Clause",
    "uvloop": "MIT OR Apache-2.0",
}
_NAMED = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache-2.0": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD-3-Clause": "BSD-3-Clause",
    "LicenseRef-NVIDIA-Proprietary": "LicenseRef-NVIDIA-Proprietary",
    "MIT": "MIT",
    "MIT License": "MIT",
    "MPL-2.0": "MPL-2.0",
    "MPL-2.0 AND MIT": "MPL-2.0 AND MIT",
}
_CLASSIFIED = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "License :: OSI Approved :: Python Software Foundation License": "PSF-2.0",
}


def licence_of(distribution: metadata.Distribution) -> str:
    """Its SPDX expression, or ``UNKNOWN``: then somebody has to read its licence file."""
    stated = distribution.metadata
    if name := _READ.get(canonicalize_name(stated["Name"])):
        return name
    if expression := stated.get("License-Expression"):
        return str(expression)
    if name := _NAMED.get((stated.get("License") or "").strip()):
        return name
    classified = {
        _CLASSIFIED.get(each, UNKNOWN)
        for each in stated.get_all("Classifier") or []
        if each.startswith("License ::")
    }
    return classified.pop() if len(classified) == 1 else UNKNOWN
