"""Image files of every kind that a client may send, sound and spoilt, built in milliseconds."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def saved(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def file_of(pixels: NDArray[Any], format: str = "PNG", **options: Any) -> bytes:
    return saved(Image.fromarray(pixels), format, **options)


def write_gradients(folder: Path) -> None:
    """80 colour pictures, each a gradient between two random colours."""
    rng = np.random.default_rng(0)
    for index in range(80):
        ends = rng.integers(256, size=(2, 1, 3))
        row = np.linspace(*ends, num=8, axis=1)
        Image.fromarray(np.repeat(row, 8, axis=0).astype(np.uint8)).save(folder / f"{index:02}.png")


def lossless(pixels: NDArray[np.uint8], format: str) -> bytes:
    """A file that holds these pixels, exactly or, for JPEG, nearly."""
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    return file_of(pixels, format, **options.get(format, {}))


def animated(format: str) -> bytes:
    frames = [Image.fromarray(noise(8, 8, 3, seed=seed)) for seed in range(3)]
    return saved(frames[0], format, save_all=True, append_images=frames[1:], duration=100)


def oriented(image: Image.Image, orientation: int, format: str = "PNG") -> bytes:
    """A file with this orientation in its EXIF."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    return saved(image, format, exif=exif.tobytes(), **options.get(format, {}))


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png(
    width: int,
    height: int,
    *chunks: bytes,
    depth: int = 8,
    colour_type: int = 0,
    pixels: bytes | None = None,
    interlaced: bool = False,
) -> bytes:
    """A PNG written by hand, black unless the compressed rows are given."""
    header = struct.pack(">2I5B", width, height, depth, colour_type, 0, 0, int(interlaced))
    if pixels is None:
        pixels = zlib.compress(bytes((width * depth + 7) // 8 + 1) * height)
    body = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
    return PNG_SIGNATURE + b"".join(body)


def claiming(format: str, width: int, height: int) -> bytes:
    """A sound small file whose header claims another size."""
    if format == "PNG":
        return png(width, height, pixels=zlib.compress(bytes(9) * 8))
    if format == "JPEG":
        data = bytearray(file_of(noise(8, 8), "JPEG"))
        struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
        return bytes(data)
    data = bytearray(file_of(noise(8, 8, 4), "WEBP", lossless=True, exif=b"Exif\0\0II*\0"))
    assert data[12:16] == b"VP8X"
    data[24:27] = (width - 1).to_bytes(3, "little")
    data[27:30] = (height - 1).to_bytes(3, "little")
    return bytes(data)


def with_segments(jpeg: bytes, *segments: tuple[int, bytes]) -> bytes:
    """A JPEG with more segments (marker, payload) behind its first two bytes."""
    added = b"".join(
        bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload
        for marker, payload in segments
    )
    return jpeg[:2] + added + jpeg[2:]


def with_scans(num_scans: int, side: int = 64) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    data = saved(Image.new("RGB", (side, side), (10, 200, 30)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * num_scans + data[-2:]
