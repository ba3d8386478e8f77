"""A user's own images: how they are found and named, and the licence that is stated for them."""

from pathlib import Path

import pytest
from PIL import Image

from training.data.datasets import load_dataset
from training.data.names import OWN_IMAGES, own_folder
from training.data.unpaired import load_unpaired
from training.errors import TrainingError

NOWHERE = Path("nowhere")


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    folder = tmp_path / "faces"
    for name, colour in (("trainA", "red"), ("trainB", "blue")):
        (folder / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), colour).save(folder / name / "1.png")
    return folder


def test_a_stated_licence_goes_with_the_data(faces: Path) -> None:
    licence = "CC BY 4.0 (Cartoon Set, Google LLC)"
    options = {"image_size": 8, "data_dir": NOWHERE, "licence": f" {licence}\n"}
    assert load_dataset(f"folder:{faces}", **options).licence == licence
    assert load_unpaired(f"unpaired:{faces}", **options).licence == licence


def test_without_one_the_licence_is_not_stated(faces: Path) -> None:
    folder = load_dataset(f"folder:{faces}", image_size=8, data_dir=NOWHERE)
    assert folder.licence == load_unpaired(f"unpaired:{faces}", image_size=8).licence
    assert folder.licence == "not stated"


def test_an_empty_licence_is_refused(faces: Path) -> None:
    with pytest.raises(TrainingError, match="the data licence is empty; state one, such as"):
        load_dataset(f"folder:{faces}", image_size=8, data_dir=NOWHERE, licence=" ")


def test_a_published_set_keeps_its_licence() -> None:
    with pytest.raises(TrainingError, match=r"'digits' is published under a licence of its own"):
        load_dataset("digits", image_size=8, data_dir=NOWHERE, licence="mine")


def test_the_published_name_finds_the_images_again(faces: Path) -> None:
    data = load_dataset(f"folder:{faces}", image_size=8, data_dir=NOWHERE)
    assert data.name == "folder:faces"
    again = load_dataset(data.name, image_size=8, data_dir=faces.parent)
    assert again.fingerprint == data.fingerprint


@pytest.mark.parametrize("name", ["unpaired:faces", "colourise:faces"])
def test_an_image_generator_refuses_two_domains(name: str) -> None:
    with pytest.raises(TrainingError, match=rf"'{name}' is two image domains, .*folder:PATH"):
        load_dataset(name, image_size=8, data_dir=NOWHERE)


@pytest.mark.parametrize("name", ["mnist", "folder:faces", "mnits"])
def test_a_translator_refuses_one_set_of_images(name: str) -> None:
    with pytest.raises(TrainingError, match=rf"'{name}' is not two .*unpaired:PATH, colourise:PA"):
        load_unpaired(name, image_size=8)


@pytest.mark.parametrize("name", OWN_IMAGES)
def test_a_prefix_without_a_folder_is_refused(name: str) -> None:
    prefix = name.removesuffix("PATH")
    with pytest.raises(TrainingError, match=f"'{prefix}' names no folder; it is {name}"):
        own_folder(prefix, prefix, NOWHERE)
