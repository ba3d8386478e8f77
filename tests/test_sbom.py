"""`make sbom`: valid CycloneDX of what the service installs, and of nothing else."""

import json
import re
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator

from deploy.sbom import document as documents
from deploy.sbom.__main__ import main
from deploy.sbom.closure import closure, required_by
from tests.test_architecture import PINS, PROJECT

ROOT = Path(__file__).resolve().parents[1]
FLAVOUR, RUNTIME = next(
    (flavour, name)
    for flavour, name in (("cpu", "onnxruntime"), ("gpu", "onnxruntime-gpu"))
    if closure(required_by([flavour])).keys() >= {name}
)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("sbom") / "build" / "sbom.cdx.json"
    assert main(["--extras", FLAVOUR, "--out", str(out)]) == 0
    return out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def components(text: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(text)["components"]}


def test_the_document_is_cyclonedx(text: str) -> None:
    validator = make_schemabased_validator(OutputFormat.JSON, SchemaVersion.V1_6)
    assert validator.validate_str(text) is None
    assert (json.loads(text)["bomFormat"], json.loads(text)["specVersion"]) == ("CycloneDX", "1.6")
    assert validator.validate_str(text.replace('"bomFormat"', '"format"')) is not None


@pytest.mark.parametrize("name", [RUNTIME, "fastapi", "numpy"])
def test_a_component_has_version_licence_and_address(
    components: dict[str, dict[str, Any]], name: str
) -> None:
    version = metadata.version(name)
    assert components[name]["version"] == version == PINS[name]
    assert components[name]["purl"] == f"pkg:pypi/{name}@{version}"
    assert components[name]["licenses"]


def test_everything_has_a_licence_and_the_runtime_is_mits(
    components: dict[str, dict[str, Any]],
) -> None:
    assert [name for name, each in components.items() if not each.get("licenses")] == []
    assert components[RUNTIME]["licenses"] == [{"license": {"id": "MIT"}}]
    assert "BSD-3-Clause AND" in components["numpy"]["licenses"][0]["expression"]


def test_it_lists_what_is_installed_with_the_service_and_nothing_else(
    components: dict[str, dict[str, Any]],
) -> None:
    assert components.keys() == closure(required_by([FLAVOUR])).keys()
    assert {"starlette", "pydantic-core", "uvloop"} <= components.keys()
    assert not components.keys() & {"torch", "pytest", "ruff", "onnx", "pip"}


def test_it_says_who_needs_whom(text: str) -> None:
    found = json.loads(text)
    needs = {each["ref"]: set(each.get("dependsOn", ())) for each in found["dependencies"]}
    of_project = needs[f"ganserve@{PROJECT['version']}"]
    assert found["metadata"]["component"]["bom-ref"] in needs
    assert f"pkg:pypi/{RUNTIME}@{metadata.version(RUNTIME)}" in of_project
    starlette = f"pkg:pypi/starlette@{metadata.version('starlette')}"
    assert starlette in needs[f"pkg:pypi/fastapi@{metadata.version('fastapi')}"] - of_project
    assert set.union(*needs.values()) <= needs.keys()


def test_an_extra_adds_what_it_brings(tmp_path: Path) -> None:
    out = tmp_path / "with-tracing.json"
    assert main(["--extras", FLAVOUR, "otel", "--out", str(out)]) == 0
    assert '"opentelemetry-sdk"' in out.read_text()


def test_what_is_not_installed_is_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {"cpu": "gpu", "gpu": "cpu"}[FLAVOUR]
    with pytest.raises(SystemExit):
        main(["--extras", other, "--out", str(tmp_path / "sbom.json")])
    assert re.search(
        r"not installed here: onnxruntime(-gpu)?; `make install`", capsys.readouterr().err
    )
    assert list(tmp_path.iterdir()) == []


def test_a_document_that_is_none_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = SimpleNamespace(output_as_string=lambda indent: '{"specVersion": "1.6"}')
    monkeypatch.setattr(documents, "make_outputter", lambda *_: spoilt)
    with pytest.raises(ValueError, match=r"no CycloneDX 1\.6: 'bomFormat' is a required property"):
        documents.document([], {})


def test_it_is_made_on_demand_and_not_committed() -> None:
    assert "build/" in (ROOT / ".gitignore").read_text().split()
    make = (ROOT / "Makefile").read_text()
    assert re.search(r"^sbom: \$\(DEV_READY\).*\n\t\$\(BIN\)/python -m deploy\.sbom ", make, re.M)
