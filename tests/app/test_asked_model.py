"""A command that needs one model loads no other, and answers as if it had loaded all."""

from pathlib import Path
from typing import Any

import pytest

from app import registry
from app.asked_model import load_asked
from app.bulk import generate_files
from app.bulk_shards import generate_shards
from app.errors import InvalidParameter, ModelNotFound, NotReady
from app.registry import Registry
from app.settings import Settings


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is loaded, in order."""
    names: list[str] = []
    load = registry.load_model

    def note(file: Any, *arguments: Any, **options: Any) -> Any:
        names.append(f"{file.name}/{file.version}")
        return load(file, *arguments, **options)

    monkeypatch.setattr(registry, "load_model", note)
    return names


def test_all_versions_of_the_name_are_loaded_and_nothing_else(
    tiny_settings: Settings, loaded: list[str]
) -> None:
    digest = Registry.load(tiny_settings).resolve("tiny-two/1").digest
    for reference in ("tiny-two", "tiny-two/1", f"tiny-two@{digest[:12]}"):
        loaded.clear()
        model = load_asked(tiny_settings, reference).resolve(reference)
        assert sorted(loaded) == ["tiny-two/1", "tiny-two/2"]
        assert model.version == (2 if reference == "tiny-two" else 1)


@pytest.mark.parametrize("write", [generate_files, generate_shards])
def test_files_and_shards_are_made_with_one_model(
    tiny_settings: Settings, tmp_path: Path, loaded: list[str], write: Any
) -> None:
    more = {"shard_size": 5} if write is generate_shards else {}
    write(tiny_settings, out=tmp_path / "out", model="tiny", seed=0, n=7, **more)
    assert loaded == ["tiny/1"]


@pytest.mark.parametrize(
    ("wanted", "with_classes", "default"),
    [
        ({"default_model": "tiny-two/1"}, False, "tiny-two/1"),
        ({"default_conditional_model": "tiny-conditional"}, True, "tiny-conditional/1"),
    ],
)
def test_without_a_name_the_default_is_loaded_alone(
    tiny_settings: Settings,
    loaded: list[str],
    wanted: dict[str, str],
    with_classes: bool,
    default: str,
) -> None:
    settings = tiny_settings.model_copy(update=wanted)
    here = load_asked(settings, None, with_classes=with_classes)
    model = here.default_conditional() if with_classes else here.default_generator()
    assert f"{model.name}/{model.version}" == default
    assert {each.split("/")[0] for each in loaded} == {model.name}


@pytest.mark.parametrize(
    ("wanted", "with_classes"),
    [
        ({}, False),  # not in this repository
        ({"default_model": "tiny-two/7"}, False),
        ({"default_model": "tiny-translator"}, False),
        ({"default_conditional_model": "tiny"}, True),
    ],
)
def test_where_the_default_is_not_to_be_had_another_one_takes_its_place(
    tiny_settings: Settings, wanted: dict[str, str], with_classes: bool
) -> None:
    settings = tiny_settings.model_copy(update=wanted)
    here, of_all = load_asked(settings, None, with_classes=with_classes), Registry.load(settings)
    for each in (here, of_all):
        model = each.default_conditional() if with_classes else each.default_generator()
        assert model.name == ("tiny-conditional" if with_classes else "tiny")
    assert len(here.models) == len(of_all.models)


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("nobody", "is not in the repository .*; in it are: tiny, tiny-colour, tiny-conditional"),
        ("nobody/3", "model 'nobody/3' is not in the repository"),
    ],
)
def test_a_name_that_is_not_there_is_told_with_those_that_are_and_nothing_is_loaded(
    tiny_settings: Settings, loaded: list[str], reference: str, told: str
) -> None:
    with pytest.raises(ModelNotFound, match=told):
        load_asked(tiny_settings, reference)
    assert not loaded


def test_a_model_that_fails_to_load_is_told_with_the_reason(tiny_settings: Settings) -> None:
    (tiny_settings.models / "tiny" / "1" / "model.onnx").write_bytes(b"torn")
    with pytest.raises(ModelNotFound, match="'tiny' is not served; it failed to load: its sha256"):
        load_asked(tiny_settings, "tiny")
    assert load_asked(tiny_settings, "tiny-two").models


def test_a_version_that_failed_leaves_the_others(tiny_settings: Settings) -> None:
    (tiny_settings.models / "tiny-two" / "2" / "model.onnx").write_bytes(b"torn")
    assert load_asked(tiny_settings, "tiny-two").resolve("tiny-two").version == 1
    with pytest.raises(ModelNotFound, match="its versions are: 1 "):
        load_asked(tiny_settings, "tiny-two/2")


def test_what_is_no_reference_is_told(tiny_settings: Settings) -> None:
    with pytest.raises(InvalidParameter, match="is not NAME, NAME/VERSION or NAME@DIGEST"):
        load_asked(tiny_settings, "tiny/two")


def test_an_empty_repository_is_told_as_such(tmp_path: Path) -> None:
    settings = Settings(models=tmp_path, device="cpu")
    for model in (None, "tiny"):
        with pytest.raises(NotReady, match="the repository is empty"):
            generate_files(settings, out=tmp_path / "out", model=model, n=1)
