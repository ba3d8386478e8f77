"""The licences that docs/dependencies.md tells are those that the installed packages state."""

import re
from pathlib import Path

import pytest
from license_expression import get_spdx_licensing
from packaging.utils import canonicalize_name

from deploy.sbom.closure import EXTRAS, closure, required_by
from deploy.sbom.licences import UNKNOWN, licence_of
from tests.test_architecture import PINS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "dependencies.md"
OTHER_FLAVOURS = {"onnxruntime", "onnxruntime-gpu"}  # one of them is installed
WITH_THE_SERVICE = ("cpu", "gpu", "otel")
CUDA = re.compile(r"(nvidia|cuda)-")  # NVIDIA's libraries, where the extra gpu is installed

FREE_OF_DUTIES = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "MIT", "MIT-CMU", "PSF-2.0",
    "Zlib",
}  # fmt: skip
BY_FILE = {"MPL-2.0"}  # changes to the package itself stay open; what uses it may be anything


def table(heading: str) -> dict[str, str]:
    """Licences by name of the table below a heading."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n{heading}\n")[2].partition("\n#")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|", text, re.MULTILINE))


def stated(names: set[str]) -> dict[str, str]:
    here = closure(required_by(EXTRAS))
    return {name: licence_of(here[name].distribution) for name in sorted(names & here.keys())}


def direct(*extras: str) -> set[str]:
    return {canonicalize_name(each.name) for each in required_by(extras)}


def test_every_direct_dependency_is_there_with_the_licence_that_it_states() -> None:
    names, told = direct(*EXTRAS), table("### What is asked for")
    assert told.keys() == names
    expected = stated(names)
    assert expected.keys() >= names - OTHER_FLAVOURS
    wrong = {name: licence for name, licence in expected.items() if told[name] != licence}
    assert wrong == {}, "what the packages state, in place of what the page tells"


def test_what_comes_with_the_service_is_there_with_the_licence_that_it_states() -> None:
    brought = closure(required_by(WITH_THE_SERVICE)).keys() - direct(*WITH_THE_SERVICE)
    expected = {name: each for name, each in stated(set(brought)).items() if not CUDA.match(name)}
    told = table("### What comes with the service")
    wrong = {name: licence for name, licence in expected.items() if told.get(name) != licence}
    assert wrong == {}, "what the packages state, in place of what the page tells"
    assert told.keys() <= PINS.keys()


def test_every_installed_dependency_states_a_licence_that_is_understood() -> None:
    names = direct(*EXTRAS) | closure(required_by(WITH_THE_SERVICE)).keys()
    licensing = get_spdx_licensing()
    for name, licence in stated(set(names)).items():
        assert licence != UNKNOWN, f"read the licence file of {name} and add it to licences.py"
        assert licence.startswith("LicenseRef-") or not licensing.validate(licence).errors, name


@pytest.mark.parametrize(("extras", "allowed"), [
    (("cpu", "gpu"), FREE_OF_DUTIES),
    (("cpu", "gpu", "otel"), FREE_OF_DUTIES | BY_FILE),
])  # fmt: skip
def test_whoever_passes_the_service_on_owes_no_source(
    extras: tuple[str, ...], allowed: set[str]
) -> None:
    licensing = get_spdx_licensing()
    for name, licence in stated(set(closure(required_by(extras)))).items():
        if not CUDA.match(name):
            assert set(licensing.license_keys(licence)) <= allowed, (name, licence)
