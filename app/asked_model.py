"""The registry of a command that needs one model: no other is loaded. Knows no request."""

from app.catalogue import name_in
from app.errors import ModelNotFound, shortened
from app.registry import Registry
from app.repository import scan
from app.settings import Settings


def load_asked(
    settings: Settings, reference: str | None, *, with_classes: bool = False
) -> Registry:
    """Load the versions of the name that is asked for; without one, of the default generator.

    All models are loaded where the default is not to be had: only they tell which one takes its
    place.

    Args:
        with_classes: the default is the one of classes.

    Raises:
        InvalidParameter: ``reference`` is not NAME, NAME/VERSION or NAME@DIGEST.
        ModelNotFound: the name is not in the repository, or failed to load.
        ExecutionProviderUnavailable: the device that the settings ask for is not there.
    """
    if reference is None:
        return _load_default(settings, with_classes=with_classes)
    name, names = name_in(reference), _names_in(settings)
    if names and name not in names:
        raise ModelNotFound(
            f"model {shortened(reference)!r} is not in the repository {str(settings.models)!r}; "
            f"in it are: {', '.join(names)}"
        )
    registry = Registry.load(settings, only=name)
    if registry.failed:
        registry.resolve(reference)  # whoever asks for what failed is told why
    return registry


def _load_default(settings: Settings, *, with_classes: bool) -> Registry:
    wanted = settings.default_conditional_model if with_classes else settings.default_model
    name = name_in(wanted)
    if name in _names_in(settings):
        registry = Registry.load(settings, only=name)
        if _is_default(wanted, registry, with_classes=with_classes):
            return registry
        registry.close()
    return Registry.load(settings)


def _is_default(wanted: str, registry: Registry, *, with_classes: bool) -> bool:
    default = registry.default_conditional if with_classes else registry.default_generator
    try:
        return default() is registry.resolve(wanted)
    except ModelNotFound:
        return False


def _names_in(settings: Settings) -> list[str]:
    try:
        return list(dict.fromkeys(file.name for file in scan(settings.models).files))
    except OSError:
        return []  # the registry says why
