"""Which code made a file?"""

import subprocess
from pathlib import Path


def git_commit() -> str | None:
    """The commit of this code, or None where it is not in a repository."""
    try:
        result = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607  # the git that the user's shell finds
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()
