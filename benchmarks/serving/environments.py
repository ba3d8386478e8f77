"""A virtual environment per contestant: their dependencies conflict. Knows no server."""

import subprocess
import sys
from pathlib import Path


def ensure_environment(folder: Path, pins: Path) -> Path:
    """Give the interpreter of an environment with ``pins``, installed anew where they changed."""
    python, installed = folder / "bin" / "python", folder / "pins.txt"
    if installed.exists() and installed.read_text() == pins.read_text():
        return python
    print(f"installing {pins.stem} into {folder}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)  # noqa: S603  # a folder of the command line
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--requirement", str(pins)], check=True)  # noqa: S603  # pins from this repository
    installed.write_text(pins.read_text())
    return python
