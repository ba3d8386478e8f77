"""What lies in the model repository is listed, verified, or a problem with a reason."""

import re
from pathlib import Path

import pytest

from app.errors import ModelRefused
from app.repository import scan
from tests.toy_models import make_card, write_model, write_sums

MAX = 100_000  # bytes of a model


def test_every_version_is_found_in_order(tiny_repository: Path) -> None:
    found = scan(tiny_repository)
    assert [(file.name, file.version) for file in found.files] == [
        ("tiny", 1),
        ("tiny-colour", 1),
        ("tiny-conditional", 1),
        ("tiny-translator", 1),
        ("tiny-two", 1),
        ("tiny-two", 2),
    ]
    assert found.failed == []


def test_versions_are_sorted_as_numbers(tmp_path: Path) -> None:
    for version in (2, 10, 1):
        write_model(tmp_path, make_card(), version=version)
    assert [file.version for file in scan(tmp_path).files] == [1, 2, 10]


def test_a_listed_file_is_verified_and_an_unlisted_one_is_said_to_be(tiny_repository: Path) -> None:
    checksums = {file.name: file.read(max_bytes=MAX)[2] for file in scan(tiny_repository).files}
    assert checksums.pop("tiny-colour") == "unlisted"
    assert set(checksums.values()) == {"verified"}


def test_a_listed_file_that_differs_is_refused(tiny_repository: Path) -> None:
    path = tiny_repository / "tiny/1/model.onnx"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelRefused, match="SHA256SUMS lists"):
        scan(tiny_repository).files[0].read(max_bytes=MAX)


def test_a_listed_file_that_is_missing_is_not_silently_absent(tiny_repository: Path) -> None:
    (tiny_repository / "tiny/1/model.onnx").unlink()
    (tiny_repository / "tiny/1").rmdir()
    (tiny_repository / "tiny").rmdir()
    with pytest.raises(ModelRefused, match="cannot be read: No such file"):
        scan(tiny_repository).files[0].read(max_bytes=MAX)


def test_a_version_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty/1").mkdir(parents=True)
    with pytest.raises(ModelRefused, match=r"model\.onnx cannot be read"):
        scan(tmp_path).files[0].read(max_bytes=MAX)


@pytest.mark.parametrize("style", ["{digest} *{path}", "{digest}  ./{path}", "{digest}  {path}\r"])
def test_every_style_of_sha256sum_is_read(tmp_path: Path, style: str) -> None:
    write_model(tmp_path, make_card())
    write_sums(tmp_path)
    digest, path = (tmp_path / "SHA256SUMS").read_text().split()
    (tmp_path / "SHA256SUMS").write_text(style.format(digest=digest.upper(), path=path) + "\n\n")
    assert scan(tmp_path).files[0].read(max_bytes=MAX)[1:] == (digest, "verified")


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("tiny/latest", "'latest' is not a version"),
        ("tiny/01", "'01' is not a version"),
        ("tiny/-1", "'-1' is not a version"),
        ("Tiny Model/1", "name does not match"),
        ("hollow", r"expected hollow/1/model\.onnx"),
    ],
)
def test_a_folder_that_fits_no_place_is_a_problem(tmp_path: Path, folder: str, reason: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (problem,) = scan(tmp_path).failed
    assert problem.name == folder.partition("/")[0]
    assert problem.version is None
    assert re.search(reason, problem.reason)


def test_other_files_and_hidden_folders_are_nobodys_problem(tiny_repository: Path) -> None:
    (tiny_repository / "README.md").write_text("models")
    (tiny_repository / ".git").mkdir()
    (tiny_repository / "tiny/config.pbtxt").write_text("")
    (tiny_repository / "tiny/1/preview.png").write_bytes(b"")
    sums = tiny_repository / "SHA256SUMS"
    sums.write_text(f"{sums.read_text()}not a line of sha256sum\n")
    found = scan(tiny_repository)
    assert len(found.files) == 6
    assert found.failed == []


def test_an_empty_repository_is_empty(tmp_path: Path) -> None:
    found = scan(tmp_path)
    assert (found.files, found.failed) == ([], [])


def test_a_missing_repository_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "models")


@pytest.mark.parametrize("path", ["../1/model.onnx", "Bad Name/1/model.onnx", "..//1/model.onnx"])
def test_checksums_lead_to_no_folder_that_a_model_may_not_have(path: str, tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  {path}\n")
    assert scan(tmp_path).files == []
