"""Uploads that are no image, or are made to take all memory or time: refused within bounds."""

import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from app.decoders import decode
from app.errors import InvalidUpload, UnsupportedMediaType
from app.pixels import MAX_PIXELS, MAX_SIDE, Pixels
from tests.toy_images import animated, chunk, claiming, lossless, noise, png, with_scans

ROOT = Path(__file__).resolve().parents[2]
FORMATS = ("PNG", "JPEG", "WEBP")


def decoded(upload: bytes, channels: int = 3) -> Pixels:
    return decode(upload, width=10, height=6, channels=channels).pixels


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_refused(name: str, part: float) -> None:
    upload = lossless(noise(100, 100, 3), name)
    with pytest.raises(InvalidUpload, match="damaged or cut off"):
        decoded(upload[: int(len(upload) * part)])


@pytest.mark.parametrize("length", range(30, 60))
def test_a_file_that_is_hardly_there_is_told_in_words(length: int) -> None:
    with pytest.raises(InvalidUpload, match="damaged or cut off") as told:
        decoded(lossless(noise(10, 10, 3), "PNG")[:length])
    assert "unpack" not in str(told.value)


@pytest.mark.parametrize("upload", [animated("PNG"), animated("WEBP")], ids=["PNG", "WebP"])
def test_an_animation_is_refused(upload: bytes) -> None:
    with pytest.raises(InvalidUpload, match="is animated; a still one would be right"):
        decoded(upload)


@pytest.mark.parametrize("upload", [animated("GIF"), b"<svg/>", b"\0" * 100, b"\xff\xd8"])
def test_another_format_is_refused(upload: bytes) -> None:
    with pytest.raises(UnsupportedMediaType, match="PNG, JPEG, WebP"):
        decoded(upload)


BOMBS = {
    "wide PNG": claiming("PNG", 50_000, 1),
    "large PNG": claiming("PNG", 60_000, 60_000),
    "large grey PNG": png(60_000, 60_000, depth=1, pixels=zlib.compress(bytes(7501) * 2000)),
    "huge PNG": claiming("PNG", 2**32 - 1, 2**32 - 1),
    "wide JPEG": claiming("JPEG", 50_000, 8),
    "large JPEG": claiming("JPEG", 65_535, 65_535),
    "large WebP": claiming("WEBP", 16_383, 16_383),
    "huge WebP": claiming("WEBP", 2**24, 2**24),
    "one row too many": claiming("PNG", 4096, 4097),
    "scans": with_scans(3000),
}
PACKED = zlib.compress(bytes(50_000_000))
UNREAD = {
    "texts": png(8, 8, *[chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2**20)))] * 80),
    "text": png(8, 8, chunk(b"zTXt", b"k\0\0" + PACKED)),
    "text behind": png(8, 8)[:-12] + chunk(b"zTXt", b"k\0\0" + PACKED) + chunk(b"IEND", b""),
    "new text": png(8, 8, chunk(b"iTXt", b"k\0\1\0\0\0" + PACKED)),
    "profile": png(8, 8, chunk(b"iCCP", b"p\0\0" + PACKED)),
    "more pixels than its size": png(8, 8, pixels=PACKED),
}
"""What is packed in a sound image and not unpacked."""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_decoded(name: str) -> None:
    upload = BOMBS[name]
    assert len(upload) < 200_000
    started = time.process_time()
    with pytest.raises(InvalidUpload) as refused:
        decoded(upload)
    assert time.process_time() - started < 1
    if name.split()[0] in ("wide", "large", "huge", "one"):
        assert f"{MAX_SIDE:,} on a side and {MAX_PIXELS:,}" in refused.value.detail


@pytest.mark.parametrize("name", UNREAD)
def test_what_nobody_looks_at_is_not_unpacked(name: str) -> None:
    assert (decoded(UNREAD[name]) == 0).all()


def test_no_bomb_fills_the_memory(tmp_path: Path) -> None:
    for number, upload in enumerate((*BOMBS.values(), *UNREAD.values())):
        (tmp_path / str(number)).write_bytes(upload)
    program = """
import sys
from pathlib import Path
from app.decoders import decode
from app.errors import InvalidUpload
from tests.peak_memory import peak_memory

decode(Path(sys.argv[1]).read_bytes(), width=8, height=8, channels=3)
with peak_memory() as taken:
    for path in Path(sys.argv[2]).iterdir():
        try:
            decode(path.read_bytes(), width=8, height=8, channels=3)
        except InvalidUpload:
            pass
    print(taken())
"""
    sound = tmp_path.parent / f"{tmp_path.name}.png"
    sound.write_bytes(png(8, 8))
    command = [sys.executable, "-c", program, str(sound), str(tmp_path)]
    assert int(subprocess.check_output(command, cwd=ROOT, text=True)) < 30_000_000


@pytest.mark.parametrize(("width", "height"), [(4096, 4096), (16_383, 1024), (1, 16_383)])
def test_the_largest_images_are_read(width: int, height: int) -> None:
    assert (decoded(png(width, height), 1) == 0).all()


def test_a_second_size_is_refused() -> None:
    header = png(16, 16)[16:29]
    upload = png(8, 8, chunk(b"IHDR", header))
    with pytest.raises(InvalidUpload, match=r"second size, \(16, 16\)"):
        decoded(upload)


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidUpload, match="its size is 0x8"):
        decoded(png(0, 8))


def test_memory_that_is_short_is_not_the_clients_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", fail)
    with pytest.raises(MemoryError):
        decoded(png(8, 8))
