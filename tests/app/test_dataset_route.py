"""POST /dataset: what is in the archives, and what is refused."""

import csv
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from training.data.image_folder import read_image_folder

MODEL = "tiny-conditional"
FOLDERS = ("t_shirt_top", "bag", "7")


def dataset(client: httpx.Client, **parameters: Any) -> httpx.Response:
    response = client.post("/dataset", json={"model": MODEL} | parameters)
    assert response.status_code == 200, response.text
    return response


def unzipped(response: httpx.Response) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def untarred(response: httpx.Response) -> dict[str, bytes]:
    assert len(response.content) % tarfile.RECORDSIZE == 0
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(response.content), mode="r|") as archive:  # as a pipe
        for info in archive:
            data = archive.extractfile(info)
            assert data is not None
            assert info.mtime == 0
            files[info.name] = data.read()
    return files


def alone(client: httpx.Client, seed: int, **parameters: Any) -> bytes:
    label = parameters.pop("label", None)
    path = "/generate" if label is None else f"/generate/{label}"
    response = client.get(path, params={"model": MODEL, "seed": seed} | parameters)
    assert response.status_code == 200
    return response.content


@pytest.mark.parametrize(
    "parameters", [{}, {"format": "webp"}, {"format": "jpeg"}, {"truncation": 0.7}]
)
def test_a_zip_holds_the_very_files_of_generate_in_class_folders(
    client: httpx.Client, parameters: dict[str, Any]
) -> None:
    response = dataset(client, n=21, seed=2**32 - 10, **parameters)
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["x-seed"] == str(2**32 - 10)
    assert response.headers["x-model"] == "tiny-conditional/1"
    assert response.headers["cache-control"] == "no-store"
    name = f"tiny-conditional-{2**32 - 10}-21.zip"
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    files = unzipped(response)
    suffix = parameters.get("format", "png")
    seeds = [(2**32 - 10 + i) % 2**32 for i in range(21)]
    names = [f"{FOLDERS[seed % 3]}/{seed}.{suffix}" for seed in seeds]
    assert list(files) == ["manifest.json", "labels.csv", *names]
    for seed, name in zip(seeds, names, strict=True):
        assert files[name] == alone(client, seed, **parameters)
    rows = list(csv.DictReader(files["labels.csv"].decode().splitlines()))
    assert [row["file"] for row in rows] == names
    assert [row["label_index"] for row in rows] == [str(seed % 3) for seed in seeds]


def test_a_tar_is_a_webdataset(client: httpx.Client) -> None:
    response = dataset(client, n=10, seed=95, archive="tar")
    assert response.headers["content-type"] == "application/x-tar"
    files = untarred(response)
    keys = [f"{seed:010}" for seed in range(95, 105)]
    samples = [f"{key}.{kind}" for key in keys for kind in ("png", "cls", "json")]
    assert list(files) == ["__ganserve__/manifest.json", *samples]
    assert keys == sorted(keys)
    names = ("T-shirt/top", "Bag", "7")
    for seed, key in zip(range(95, 105), keys, strict=True):
        assert files[f"{key}.png"] == alone(client, seed)
        assert int(files[f"{key}.cls"]) == seed % 3
        about = {"seed": seed, "label_index": seed % 3, "label": names[seed % 3]}
        assert json.loads(files[f"{key}.json"]) == about


def test_the_manifest_says_how_to_make_the_images_again(client: httpx.Client) -> None:
    response = dataset(client, n=7, seed=3, truncation=0.5)
    manifest = json.loads(unzipped(response)["manifest.json"])
    (entry,) = [e for e in client.get("/models").json()["models"] if e["name"] == MODEL]
    assert manifest["model"] == "tiny-conditional/1"
    for name in ("digest", "execution_provider", "reproducibility_key", "class_names"):
        assert manifest[name] == entry[name]
    assert (manifest["seed"], manifest["num_images"], manifest["truncation"]) == (3, 7, 0.5)
    assert manifest["label_rule"] == "seed mod num_classes"
    assert manifest["images_per_class"] == {"T-shirt/top": 3, "Bag": 2, "7": 2}
    of_tar = untarred(dataset(client, n=7, seed=3, truncation=0.5, archive="tar"))
    assert json.loads(of_tar["__ganserve__/manifest.json"]) == manifest


@pytest.mark.parametrize("archive", ["zip", "tar"])
def test_equal_requests_give_equal_archives_a_drawn_seed_is_told(
    client: httpx.Client, archive: str
) -> None:
    drawn = dataset(client, n=20, archive=archive)
    again = dataset(client, n=20, archive=archive, seed=int(drawn.headers["x-seed"]))
    assert drawn.content == again.content
    assert dataset(client, n=20, archive=archive).headers["x-seed"] != drawn.headers["x-seed"]


def test_a_range_of_seeds_goes_on_where_another_ended(client: httpx.Client) -> None:
    whole = unzipped(dataset(client, n=50, seed=100))
    first, rest = (dataset(client, n=30, seed=100), dataset(client, n=20, seed=130))
    images = [
        {name: data for name, data in unzipped(part).items() if "/" in name}
        for part in (first, rest)
    ]
    assert not images[0].keys() & images[1].keys()
    assert images[0] | images[1] == {name: data for name, data in whole.items() if "/" in name}


def test_unpacked_it_is_what_readers_of_class_folders_take(
    client: httpx.Client, tmp_path: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(dataset(client, n=12, seed=0).content)) as archive:
        archive.extractall(tmp_path)  # noqa: S202  # our own archive
    folders = sorted(each.name for each in tmp_path.iterdir() if each.is_dir())
    assert folders == sorted(FOLDERS)
    read = read_image_folder(tmp_path, 8)
    assert read.class_names == tuple(folders)
    assert len(read.images) == 12
    assert not read.notes


def test_a_model_without_classes_has_neither_folders_nor_labels(client: httpx.Client) -> None:
    files = unzipped(dataset(client, model="tiny", n=3, seed=8))
    assert list(files) == ["manifest.json", "8.png", "9.png", "10.png"]
    assert json.loads(files["manifest.json"])["label_rule"] == "none"
    tar = untarred(dataset(client, model="tiny", n=1, seed=8, archive="tar"))
    assert list(tar) == ["__ganserve__/manifest.json", "0000000008.png", "0000000008.json"]


def test_one_class_only(client: httpx.Client) -> None:
    files = unzipped(dataset(client, n=4, seed=8, label="T-shirt/top"))
    images = {name: data for name, data in files.items() if "/" in name}
    assert images == {
        f"t_shirt_top/{seed}.png": alone(client, seed, label="0") for seed in range(8, 12)
    }


def test_so_many_of_each_class_in_the_order_of_the_model(client: httpx.Client) -> None:
    response = dataset(client, classes={"7": 2, "bag": 1, "0": 2}, seed=8)
    files = unzipped(response)
    expected = {
        "t_shirt_top/8.png": alone(client, 8, label="0"),
        "t_shirt_top/9.png": alone(client, 9, label="0"),
        "bag/10.png": alone(client, 10, label="bag"),
        "7/11.png": alone(client, 11, label="7"),
        "7/12.png": alone(client, 12, label="7"),
    }
    assert {name: data for name, data in files.items() if "/" in name} == expected
    reordered = dataset(client, classes={"0": 2, "7": 2, "Bag": 1}, seed=8, n=5)
    assert reordered.content == response.content


def test_the_default_model_has_classes_where_they_are_asked_for(client: httpx.Client) -> None:
    plain = client.post("/dataset", json={"n": 1})
    assert plain.headers["x-model"] == "tiny/1"
    assert client.post("/dataset", json={"n": 1, "label": "bag"}).headers["x-model"] == f"{MODEL}/1"
    classes = client.post("/dataset", json={"classes": {"bag": 1}})
    assert classes.headers["x-model"] == f"{MODEL}/1"


@pytest.mark.parametrize(
    ("parameters", "status", "told"),
    [
        ({}, 422, "n is missing; an integer from 1 to 100000 would be right"),
        ({"n": 0}, 422, "n must be an integer from 1 to 100000, not 0"),
        ({"n": 100_001}, 422, "n must be an integer from 1 to 100000, not 100001"),
        ({"n": "3"}, 422, 'not "3"'),
        ({"n": None}, 422, "not null"),
        ({"n": 1, "seed": 2**32}, 422, "seed must be"),
        ({"n": 1, "truncation": 0.01}, 422, "truncation must be"),
        ({"n": 1, "format": "gif"}, 422, "format must be one of: png, webp, jpeg"),
        ({"n": 1, "archive": "rar"}, 422, "archive must be one of: zip, tar"),
        ({"n": 1, "layout": "grid"}, 422, 'unknown parameter "layout"; known are: model, n, '),
        ({"n": 1, "label": 1}, 422, "label must be class of all images"),
        ({"n": 1, "label": "shoe"}, 404, "t_shirt_top, bag, 7"),
        ({"n": 1, "model": "tiny", "label": "0"}, 422, "has no classes"),
        ({"n": 1, "model": "tiny-translator"}, 422, "a generator would be right"),
        ({"n": 1, "model": "nobody"}, 404, "nobody"),
        ({"classes": {"bag": 1}, "label": "bag"}, 422, "label and classes are both given"),
        ({"classes": {"bag": 0}}, 422, "classes must be an object of class"),
        ({"classes": {"bag": 1.0}}, 422, "classes must be an object of class"),
        ({"classes": {}}, 422, "classes must be an object of class"),
        ({"classes": ["bag"]}, 422, "classes must be an object of class"),
        ({"classes": {"bag": 1, "1": 1}}, 422, "names class 'Bag' twice"),
        ({"classes": {"bag": 1, "shoe": 1}}, 404, "shoe"),
        ({"classes": {"bag": 60_000, "0": 60_000}}, 422, "the sum of classes must be"),
        ({"classes": {"bag": 2}, "n": 3}, 422, "n is 3, but the sum of classes is 2"),
        ({"classes": {"bag": 2}, "model": "tiny"}, 422, "has no classes"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(
    client: httpx.Client, parameters: dict[str, Any], status: int, told: str
) -> None:
    with_model = {"model": MODEL} | parameters
    response = client.post("/dataset", json=with_model)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert told in response.json()["detail"]


def test_a_body_is_needed_that_is_json_and_says_everything_once(client: httpx.Client) -> None:
    assert "n is missing" in client.post("/dataset").json()["detail"]
    body = b'{"n": 1, "n": 2}'
    as_json = {"Content-Type": "application/json"}
    twice = client.post("/dataset", content=body, headers=as_json)
    assert 'parameter "n" is given twice' in twice.json()["detail"]
    assert client.post("/dataset", content=body).status_code == 415
    assert "not in the query" in client.post("/dataset?n=1").json()["detail"]
    late = client.post("/dataset", json={"n": 1}, headers={"X-Request-Timeout-Ms": "soon"})
    assert late.status_code == 422


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_post_is_allowed(client: httpx.Client, method: str) -> None:
    response = client.request(method, "/dataset")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
