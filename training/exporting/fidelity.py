"""How near an exported file is to its network, in sentences."""

from training.exporting.half_weights import HalfFidelity
from training.exporting.parity import Parity


def fidelity_of_export(parity: Parity, half: HalfFidelity | None) -> str:
    """
    Args:
        half: of a file with float16 weights.
    """
    sentences = f"""\
Parity with PyTorch, checked at export on {parity.num_images} images: at most
{parity.max_float_difference:.1g} grey levels apart before rounding, {parity.num_differing_bytes}
bytes differ after it."""
    if half is None:
        return sentences
    return f"""{sentences}

The weights are stored as float16 and computed with as float32: on {half.num_images} images at most
{half.max_difference:.2g} grey levels from full weights before rounding, {half.share_apart:.2%} of
bytes differ after it."""
