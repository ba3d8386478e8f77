"""Keeps the garbage collector from walking again and again over what stays. Knows no object."""

import gc

OBJECTS_BETWEEN_LOOKS = 20_000
"""Python's 700 are what one batch of requests makes: a look after each, for which images wait.

What a request leaves is freed without a look, since nothing in it holds itself; tests see to it.
"""


def settle_heap() -> None:
    """Call once, when everything is imported and no model is loaded.

    What is there is never looked at again; what comes later is, so that a model that is replaced,
    or a request that failed, leaves nothing behind.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_LOOKS)
