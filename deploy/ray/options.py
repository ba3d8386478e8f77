"""What the config file of a deployment may say: ``args`` in serve.yaml. Knows no Ray."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Scaling(_Strict):
    """Of the replicas of one model."""

    min_replicas: int = Field(1, ge=0, description="0: none while nobody asks")
    max_replicas: int = Field(4, ge=1, description="at most so many")
    target_images: float = Field(
        32, gt=0, description="images under way for which one more replica is wanted"
    )
    upscale_delay_s: float = Field(5, ge=0, description="seconds of need before there are more")
    downscale_delay_s: float = Field(60, ge=0, description="seconds without need before fewer")
    look_back_s: float = Field(15, gt=0, description="seconds over which images are averaged")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.min_replicas > self.max_replicas:
            raise ValueError(
                f"min_replicas {self.min_replicas} is greater than max_replicas "
                f"{self.max_replicas}; at most that would be right"
            )
        return self


class ModelOptions(_Strict):
    """Of the replicas of one model."""

    num_cpus: float = Field(1, ge=0, description="CPUs, and threads, of each replica")
    num_gpus: float = Field(0, ge=0, description="GPUs of each replica: a share, or whole ones")
    scaling: Scaling = Scaling()

    @model_validator(mode="after")
    def _is_a_share_or_whole(self) -> Self:
        if self.num_gpus > 1:
            raise ValueError(f"num_gpus {self.num_gpus} is not in 0..1: a model runs on one GPU")
        return self


class IngressOptions(_Strict):
    """Of the processes that speak HTTP."""

    num_cpus: float = Field(1, ge=0, description="CPUs, and encoding threads, of each replica")
    num_replicas: int = Field(2, ge=1, description="two, so that one may die")


class Options(_Strict):
    """All of ``args``."""

    revision: str | int = Field(1, description="change it to have all processes started anew")
    settings: dict[str, Any] = Field(
        default_factory=dict,
        description="the service's settings, by name; else GANSERVE_ variables of the cluster",
    )
    default: ModelOptions = Field(ModelOptions(), description="of models that say nothing else")
    models: dict[str, ModelOptions] = Field(
        default_factory=dict, description="by a model's name: what differs from the default"
    )
    only: list[str] | None = Field(
        None, min_length=1, description="names to serve; null: all of the folder"
    )
    ingress: IngressOptions = IngressOptions()

    @model_validator(mode="before")
    @classmethod
    def _models_differ_from_the_default(cls, given: Any) -> Any:
        """What a model leaves out is the default's; checked as a whole, by its own name."""
        default, models = (given.get(name) for name in ("default", "models"))
        if not isinstance(default, Mapping) or not isinstance(models, Mapping):
            return given
        return {**given, "models": {name: _over(default, each) for name, each in models.items()}}

    @model_validator(mode="after")
    def _has_options_for_what_is_served(self) -> Self:
        left_out = sorted(set(self.models) - set(self.only or self.models))
        if left_out:
            raise ValueError(
                f"models has options for {', '.join(left_out)}, which only leaves out; "
                "add it to only, or take the options away"
            )
        return self


def _over(default: Any, given: Any) -> Any:
    """``given``, and of ``default`` what it does not say."""
    if not isinstance(default, Mapping) or not isinstance(given, Mapping):
        return given
    return {
        **default,
        **{name: _over(default.get(name), each) for name, each in given.items()},
    }
