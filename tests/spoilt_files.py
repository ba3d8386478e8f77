"""Files made to be read wrongly, as strategies of hypothesis: bytes or whole parts are changed."""

import struct
import zlib
from collections.abc import Sequence

from hypothesis import strategies as st

from tests.toy_images import PNG_SIGNATURE, chunk

Part = tuple[bytes, bytes]  # kind and data

NUMBERS = st.sampled_from((0, 1, 7, 8, 255, 256, 16_383, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1))
PNG_KINDS = (
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"pHYs"),
    *(b"bKGD", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"abcd"),
)
WEBP_KINDS = (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"ICCP", b"abcd")


@st.composite
def changed(draw: st.DrawFn, data: bytes, *, most: int = 6) -> bytes:
    """With some bytes replaced, put in or taken out, and perhaps cut off."""
    spoilt = bytearray(data)
    for _ in range(draw(st.integers(0, most))):
        start = draw(st.integers(0, len(spoilt)))
        length = draw(st.integers(0, 4))
        spoilt[start : start + length] = draw(st.binary(max_size=6))
    if draw(st.integers(0, 7)) == 0:
        del spoilt[draw(st.integers(0, len(spoilt))) :]
    return bytes(spoilt)


@st.composite
def one_changed(draw: st.DrawFn, files: Sequence[bytes]) -> bytes:
    return draw(changed(draw(st.sampled_from(files))))


@st.composite
def spoilt_png(draw: st.DrawFn, files: Sequence[bytes]) -> bytes:
    """Of parts that are changed, missing, there twice or elsewhere, with checksums that fit."""
    parts = draw(_other_parts(_png_parts(draw(st.sampled_from(files))), PNG_KINDS))
    written = [_spoilt_header(draw, data) if kind == b"IHDR" else data for kind, data in parts]
    kinds = [kind for kind, _ in parts]
    return PNG_SIGNATURE + b"".join(map(chunk, kinds, written))


@st.composite
def spoilt_webp(draw: st.DrawFn, files: Sequence[bytes]) -> bytes:
    """The same of a WebP, with lengths that fit."""
    parts = draw(_other_parts(_webp_parts(draw(st.sampled_from(files))), WEBP_KINDS))
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in parts
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


@st.composite
def _other_parts(draw: st.DrawFn, parts: list[Part], kinds: Sequence[bytes]) -> list[Part]:
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(parts) - 1)) if parts else 0
        what = draw(st.sampled_from(("change", "unpack", "drop", "double", "move", "add")))
        if what == "add" or not parts:
            parts.insert(at, (draw(st.sampled_from(kinds)), draw(st.binary(max_size=40))))
            continue
        kind, data = parts[at]
        if what == "change":
            parts[at] = kind, draw(changed(data))
        elif what == "unpack":
            parts[at] = kind, draw(_repacked(data))
        elif what == "drop":
            del parts[at]
        elif what == "double":
            parts.insert(at, (kind, data))
        else:
            parts.insert(draw(st.integers(0, len(parts) - 1)), parts.pop(at))
    return parts


@st.composite
def _repacked(draw: st.DrawFn, data: bytes) -> bytes:
    """What is packed in it is changed, and packed again."""
    try:
        return zlib.compress(draw(changed(zlib.decompress(data))))
    except zlib.error:
        return data


def _spoilt_header(draw: st.DrawFn, data: bytes) -> bytes:
    if len(data) != 13 or draw(st.booleans()):
        return data
    width, height, depth, colour_type, *rest = struct.unpack(">2I5B", data)
    width, height = (draw(NUMBERS) if draw(st.booleans()) else side for side in (width, height))
    depth = draw(st.sampled_from((depth, 0, 1, 2, 4, 8, 16, 32)))
    colour_type = draw(st.sampled_from((colour_type, 0, 1, 2, 3, 4, 6, 7)))
    rest[2] = draw(st.integers(0, 2))
    return struct.pack(">2I5B", width, height, depth, colour_type, *rest)


def _png_parts(upload: bytes) -> list[Part]:
    parts, at = [], 8
    while at < len(upload):
        (length,) = struct.unpack_from(">I", upload, at)
        parts.append((upload[at + 4 : at + 8], upload[at + 8 : at + 8 + length]))
        at += 12 + length
    return parts


def _webp_parts(upload: bytes) -> list[Part]:
    parts, at = [], 12
    while at < len(upload):
        kind, length = struct.unpack_from("<4sI", upload, at)
        parts.append((kind, upload[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return parts
