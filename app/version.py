"""The version of this service. Knows nothing else."""

from importlib.metadata import PackageNotFoundError, version


def service_version() -> str:
    try:
        return version("ganserve")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "0+unknown"
