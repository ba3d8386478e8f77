"""What the garbage collector is spared, and what it still finds."""

import gc
import subprocess
import sys

SETTLED = """
import gc
import app.serving
from app.heap import settle_heap

settle_heap()
assert gc.get_freeze_count() > 50_000, gc.get_freeze_count()

found = []
class Circle:
    def __del__(self):
        found.append(self)

circle = Circle()
circle.itself = circle
del circle
gc.collect()
assert len(found) == 1
"""


def test_what_is_imported_is_left_alone_and_what_comes_later_is_not() -> None:
    before = gc.get_freeze_count()
    subprocess.run([sys.executable, "-c", SETTLED], check=True)
    assert gc.get_freeze_count() == before  # not in the process of somebody else
