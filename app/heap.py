"""Keeps the garbage collector from walking again and again over what stays. Knows no object."""

import gc


def settle_heap() -> None:
    """Call once, when everything is imported and no model is loaded.

    What is there is never looked at again; what comes later is, so that a model that is replaced,
    or a request that failed, leaves nothing behind.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
