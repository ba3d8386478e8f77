"""A config file's arguments to an application of Ray Serve: ``import_path`` of serve.yaml."""

from pathlib import Path
from typing import Any

from app.errors import ModelRefused
from app.repository import scan
from app.settings import Settings
from deploy.ray.deployments import IngressDeployment, ModelDeployment
from deploy.ray.options import IngressOptions, ModelOptions, Options, Scaling
from deploy.ray.scaling import ByImages
from ray import serve
from ray.serve import Application

_SURGE_PERCENT = 100  # the new replica is there before the old one leaves
_BULK_RUNS = 2  # of one data set, at the replicas at once
_MORE_THAN_THE_QUEUE = 64  # requests at a replica: the queue refuses, in its own words


def build(args: dict[str, Any]) -> Application:
    """One deployment for each name in the models folder, and the ingress before them.

    Raises:
        pydantic.ValidationError: an argument or a setting is not right.
        ModelRefused: the folder cannot be read or holds no model.
    """
    options = Options.model_validate(args)
    settings = _settings(options)
    found = _names(settings.models)
    _refuse_unknown([*options.models, *(options.only or ())], found)
    names = [name for name in found if options.only is None or name in options.only]
    user_config = {"revision": options.revision}
    handles = {
        name: _model(name, settings, options.models.get(name, options.default), user_config)
        for name in names
    }
    return _ingress(settings, options.ingress, handles, user_config)


def _settings(options: Options) -> Settings:
    settings = Settings(**options.settings)
    return settings.model_copy(update={"models": Path(settings.models).absolute()})


def _names(models: Path) -> list[str]:
    try:
        found = sorted({file.name for file in scan(models).files})
    except OSError as error:
        raise ModelRefused(
            f"the models folder {str(models)!r} cannot be read on the node that builds the "
            f"application: {error.strerror}; settings.models must be a path that every node has"
        ) from error
    if not found:
        raise ModelRefused(f"the models folder {str(models)!r} holds no model")
    return found


def _refuse_unknown(asked: list[str], names: list[str]) -> None:
    unknown = sorted(set(asked) - set(names))
    if unknown:
        raise ModelRefused(
            f"the arguments name models that the folder does not hold: {', '.join(unknown)}; "
            f"it holds: {', '.join(names)}"
        )


def _model(
    name: str, settings: Settings, options: ModelOptions, user_config: dict[str, Any]
) -> Application:
    threads = settings.num_threads or max(1, int(options.num_cpus))
    of_replica = settings.model_copy(update={"num_threads": threads, "workers": 1})
    configure = serve.deployment(
        name=name,
        ray_actor_options={"num_cpus": options.num_cpus, "num_gpus": options.num_gpus},
        max_ongoing_requests=settings.max_queue_size + _MORE_THAN_THE_QUEUE,
        autoscaling_config=_autoscaling(options.scaling),
        user_config=user_config,
        logging_config={"enable_access_log": settings.access_log},
        max_surge_percent=_SURGE_PERCENT,
        graceful_shutdown_timeout_s=settings.shutdown_timeout_s,
        health_check_period_s=5,
        health_check_timeout_s=15,
    )
    return configure(ModelDeployment).bind(name, of_replica)


def _ingress(
    settings: Settings,
    options: IngressOptions,
    handles: dict[str, Application],
    user_config: dict[str, Any],
) -> Application:
    threads = settings.num_threads or max(1, int(options.num_cpus))
    of_ingress = settings.model_copy(update={"num_threads": threads, "workers": 1})
    configure = serve.deployment(
        name="ingress",
        num_replicas=options.num_replicas,
        ray_actor_options={"num_cpus": options.num_cpus},
        max_ongoing_requests=settings.max_connections,
        user_config=user_config,
        logging_config={"enable_access_log": settings.access_log},
        max_surge_percent=_SURGE_PERCENT,
        graceful_shutdown_timeout_s=settings.shutdown_timeout_s,
    )
    ingress = serve.ingress()(IngressDeployment)
    return configure(ingress).bind(of_ingress, handles, num_bulk=_BULK_RUNS)


def _autoscaling(scaling: Scaling) -> dict[str, Any]:
    return {
        "min_replicas": scaling.min_replicas,
        "max_replicas": scaling.max_replicas,
        "upscale_delay_s": scaling.upscale_delay_s,
        "downscale_delay_s": scaling.downscale_delay_s,
        "look_back_period_s": scaling.look_back_s,
        "policy": {
            "policy_function": f"{ByImages.__module__}:{ByImages.__name__}",
            "policy_kwargs": {"target_images": scaling.target_images},
        },
    }
