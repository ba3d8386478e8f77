"""Installed distributions as a CycloneDX document. Knows no file and no environment."""

from collections.abc import Iterable, Mapping

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator
from packageurl import PackageURL

from deploy.sbom.closure import PROJECT, Installed
from deploy.sbom.licences import licence_of

VERSION = SchemaVersion.V1_6


def document(direct: Iterable[str], installed: Mapping[str, Installed]) -> str:
    """JSON of the project, what it asks for, and what that needs in turn.

    Args:
        direct: canonical names of what the project asks for itself.
        installed: all of it, by canonical name.

    Raises:
        ValueError: the document does not keep to the schema of CycloneDX.
    """
    components = {name: _library(name, each) for name, each in installed.items()}
    bom = Bom(components=components.values())
    bom.metadata.component = project = _project()
    bom.register_dependency(project, [components[name] for name in direct])
    for name, each in installed.items():
        needed = [components[need] for need in each.needs if need in components]
        bom.register_dependency(components[name], needed)
    text = make_outputter(bom, OutputFormat.JSON, VERSION).output_as_string(indent=2)
    if problem := make_schemabased_validator(OutputFormat.JSON, VERSION).validate_str(text):
        reason = getattr(problem.data, "message", problem.data)  # not with the whole schema
        raise ValueError(f"the document is no CycloneDX {VERSION.to_version()}: {reason}")
    return text


def _project() -> Component:
    name, version = PROJECT["name"], PROJECT["version"]
    return Component(
        type=ComponentType.APPLICATION,
        name=name,
        version=version,
        bom_ref=f"{name}@{version}",
        description=PROJECT["description"],
        licenses=[LicenseFactory().make_from_string(PROJECT["license"])],
    )


def _library(name: str, installed: Installed) -> Component:
    address = PackageURL("pypi", None, name, installed.version)
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=installed.version,
        bom_ref=str(address),
        purl=address,
        description=installed.distribution.metadata.get("Summary"),
        licenses=[LicenseFactory().make_from_string(licence_of(installed.distribution))],
    )
