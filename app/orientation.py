"""The orientation that a camera wrote into an image's EXIF, and undoing it. Knows no file format.

One tag is read, by hand: a library that reads them all warns, or fails, on what cameras write.
"""

import struct

from PIL import Image

_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION_TAG = 0x0112
_SHORT = 3  # the tag's type

_Transpose = Image.Transpose
_TRANSPOSITIONS = {
    2: _Transpose.FLIP_LEFT_RIGHT,
    3: _Transpose.ROTATE_180,
    4: _Transpose.FLIP_TOP_BOTTOM,
    5: _Transpose.TRANSPOSE,
    6: _Transpose.ROTATE_270,
    7: _Transpose.TRANSVERSE,
    8: _Transpose.ROTATE_90,
}
"""What makes an image upright again, by orientation (Exif 2.32, section 4.6.4 A)."""


def upright(image: Image.Image, exif: bytes) -> Image.Image:
    transposition = _TRANSPOSITIONS.get(orientation(exif))
    return image if transposition is None else image.transpose(transposition)


def orientation(exif: bytes) -> int:
    """1 to 8; 1, which is upright, where the TIFF structure does not say, or is damaged."""
    order = _BYTE_ORDERS.get(exif[:4])
    if order is None:
        return 1
    try:
        (position,) = struct.unpack_from(f"{order}I", exif, 4)
        (num_entries,) = struct.unpack_from(f"{order}H", exif, position)
        for entry in range(num_entries):
            at = position + 2 + 12 * entry
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, at)
            if tag == _ORIENTATION_TAG:
                return value if kind == _SHORT and value in _TRANSPOSITIONS else 1
    except struct.error:  # an offset or a count leads outside
        pass
    return 1
