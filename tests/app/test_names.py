"""No name in a URL, a link or a checksum leads to a file that is not served."""

import http.client
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.repository_files import read_file
from app.settings import Settings
from tests.live_server import PATIENCE_S, live_server
from tests.toy_models import make_card, write_model

SECRET = b"\x89PNG a secret"

NAMES = [
    "..",
    ".",
    "%2e%2e",
    "..%2f..%2foutside",
    "..%5coutside",
    "%2Fetc%2Fpasswd",
    "/etc/passwd",
    "tiny/../../outside",
    "tiny%2f..%2ftiny",
    "tiny%00",
    "tiny%00.png",
    "tiny%0a",
    "ti%6ey%20",
    "TINY",
    "t%C4%B1ny",  # dotless i
    "%EF%BD%94iny",  # fullwidth t
    "%ff%fe",
    "a" * 300,
    "tiny-two%2F1%2F..%2F2",
    "tiny@..%2f..%2f..%2f..",
    "tiny%2F999999999999999999999",
]


def asked(url: httpx.URL, path: str, method: str = "GET") -> http.client.HTTPResponse:
    """The answer to a path that is sent just as it is written here."""
    connection = http.client.HTTPConnection(url.host, url.port, timeout=PATIENCE_S)
    connection.putrequest(method, path)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "route",
    [
        "/models/{}",
        "/models/{}/preview.png",
        "/generate?model={}",
        "/generate/{}?model=tiny-conditional",
        "/v2/models/{}/versions/1",
        "/v1/models/{}",
    ],
)
def test_a_name_that_is_none_is_an_answer_of_the_clients_fault(
    client: httpx.Client, route: str, name: str
) -> None:
    answer = asked(client.base_url, route.format(name))
    assert 400 <= answer.status < 500, answer.status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("name", NAMES)
def test_a_translator_has_no_such_name_either(translating: httpx.Client, name: str) -> None:
    url = translating.base_url.join(f"/translate/{name}")
    headers = {"Content-Type": "image/png"}
    answer = httpx.post(url, content=b"\x89PNG\r\n\x1a\n", headers=headers, timeout=PATIENCE_S)
    assert 400 <= answer.status_code < 500


Link = Callable[[Path], object]


def preview_to_outside(models: Path) -> None:
    (models / "tiny/1/preview.png").symlink_to(models.parent / "outside.png")


def preview_by_many_dots(models: Path) -> None:
    (models / "tiny/1/preview.png").symlink_to("../../../outside.png")


def preview_in_a_circle(models: Path) -> None:
    (models / "tiny/1/preview.png").symlink_to("preview.png")


def preview_of_a_folder(models: Path) -> None:
    (models / "tiny/1/preview.png").mkdir()


def preview_too_large(models: Path) -> None:
    with (models / "tiny/1/preview.png").open("wb") as file:
        file.truncate(2**40)


@pytest.mark.parametrize(
    "link",
    [
        preview_to_outside,
        preview_by_many_dots,
        preview_in_a_circle,
        preview_of_a_folder,
        preview_too_large,
    ],
)
def test_a_preview_that_is_no_picture_of_the_models_folder_is_not_there(
    tmp_path: Path, link: Link
) -> None:
    write_model(tmp_path / "models", make_card())
    (tmp_path / "outside.png").write_bytes(SECRET)
    link(tmp_path / "models")
    with live_server(Settings(models=tmp_path / "models", device="cpu")) as server:
        answer = server.client.get("/models/tiny/preview.png")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "model 'tiny' version 1 has no preview.png"


def test_checksums_from_elsewhere_are_not_taken_for_none(tmp_path: Path) -> None:
    write_model(tmp_path / "models", make_card())
    (tmp_path / "sums").write_text("")
    (tmp_path / "models/SHA256SUMS").symlink_to(tmp_path / "sums")
    with live_server(Settings(models=tmp_path / "models", device="cpu")) as server:
        assert server.client.get("/models").json()["models"] == []


def test_a_models_folder_as_kubernetes_mounts_it_is_served(tmp_path: Path) -> None:
    """Its files are links to a folder beside them, which a link to be replaced at once names."""
    mounted, data = tmp_path / "mounted", tmp_path / "mounted/..2026_11_28"
    write_model(data, make_card())
    (data / "tiny/1/preview.png").write_bytes(SECRET)
    (mounted / "..data").symlink_to("..2026_11_28")
    (mounted / "tiny").symlink_to("..data/tiny")
    (tmp_path / "models").symlink_to(mounted)
    with live_server(Settings(models=tmp_path / "models", device="cpu")) as server:
        assert server.client.get("/generate?model=tiny").status_code == 200
        assert server.client.get("/models/tiny/preview.png").content == SECRET


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1234")
    assert read_file(path, within=tmp_path, max_bytes=4, limit="") == b"1234"
    with pytest.raises(OSError, match=r"it has 4 bytes; at most 3 would be right \(a test\)"):
        read_file(path, within=tmp_path, max_bytes=3, limit="a test")
