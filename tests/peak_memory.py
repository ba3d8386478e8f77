"""How much memory this process takes at most while something is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PROCESS = Path("/proc/self")


@contextmanager
def peak_memory() -> Iterator[Callable[[], int]]:
    """The function gives the bytes that were taken at most, beyond those taken before."""
    (PROCESS / "clear_refs").write_text("5")  # the peak becomes what is taken now
    before = _peak_bytes()
    yield lambda: _peak_bytes() - before


def _peak_bytes() -> int:
    lines = (PROCESS / "status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])
