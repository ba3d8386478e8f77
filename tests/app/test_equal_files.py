"""Equal pixels are equal files in every process, wherever its memory lies."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np

from app.encoders import encode_png

ROOT = Path(__file__).parents[2]


def digest() -> str:
    """Of 8,192 PNGs of noise; in each, four bytes from the third one on come twice."""
    images = np.random.default_rng(0).integers(0, 256, (8_192, 8, 8, 1), dtype=np.uint8)
    images[:, 4, 2:6] = images[:, 0, 1:5]
    files = hashlib.sha256()
    for image in images:
        files.update(encode_png(image, ""))
    return files.hexdigest()


def test_every_process_writes_equal_files() -> None:
    """A matcher that hashes an address, as ISA-L's does, misses some of the repetitions."""
    command = [sys.executable, "-c", f"from {__name__} import digest; print(digest())"]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert {each.communicate()[0].strip() for each in processes} == {digest()}
