"""Keeps the garbage collector from walking again and again over what stays. Knows no object."""

import gc

YOUNG_OBJECTS = 10_000
"""So many more containers than before are there when the collector looks at the young ones.

Python's own number, 700, is reached twice by every image in a crowd of thousands of connections.
"""


def settle_heap() -> None:
    """Call once, when everything is imported and no model is loaded.

    What is there is never looked at again; what comes later is, so that a model that is replaced,
    or a request that failed, leaves nothing behind.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
