"""What a config file's arguments mean, and what of them is refused. No Ray is started."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from app.errors import ModelRefused
from deploy.ray.application import build
from deploy.ray.options import Options


def test_a_model_differs_from_the_default_in_what_it_says_only() -> None:
    options = Options.model_validate(
        {
            "default": {"num_gpus": 0.25, "scaling": {"min_replicas": 2, "max_replicas": 3}},
            "models": {"tiny": {"scaling": {"max_replicas": 8}}, "other": {"num_gpus": 0}},
        }
    )
    tiny, other = options.models["tiny"], options.models["other"]
    assert (tiny.num_gpus, tiny.scaling.min_replicas, tiny.scaling.max_replicas) == (0.25, 2, 8)
    assert (other.num_gpus, other.scaling) == (0, options.default.scaling)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"model": {}}, "model"),
        ({"default": {"num_gpus": 2}}, "a model runs on one GPU"),
        ({"default": {"scaling": {"min_replicas": 5, "max_replicas": 2}}}, "at most that"),
        ({"ingress": {"num_replicas": 0}}, "num_replicas"),
        ({"only": []}, "only"),
        ({"only": ["a"], "models": {"b": {}}}, "options for b, which only leaves out"),
        ({"default": {"num_cpus": 1}, "models": {"tiny": 3}}, "models.tiny"),
        ({"default": 3, "models": {"tiny": {}}}, "default"),
        ({"default": {}, "models": {"tiny": {"num_gpu": 1}}}, "models.tiny.num_gpu"),
    ],
)
def test_what_is_not_right_is_named(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Options.model_validate(arguments)
    assert told in str(caught.value)


def test_a_models_folder_that_this_node_lacks_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(ModelRefused, match="must be a path that every node has") as caught:
        build({"settings": {"models": str(missing)}})
    assert str(missing) in str(caught.value)
