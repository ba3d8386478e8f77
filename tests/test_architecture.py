"""Who imports whom, what the service loads, what it stands on, and where things lie."""

import fnmatch
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import lint_imports
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from deploy.sbom.closure import closure, required_by

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
PINS = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", CONSTRAINTS, re.MULTILINE)
}

TOP_LEVEL = {
    "app",
    "benchmarks",
    "contract",
    "deploy",
    "docs",
    "models",
    "tests",
    "training",
    "CHANGELOG.md",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "README.md",
    "README.zh-CN.md",
    "SECURITY.md",
    "constraints.txt",
    "docker-compose.yml",
    "mkdocs.yml",
    "pyproject.toml",
}


def test_the_import_contracts_hold(tmp_path: Path) -> None:
    status = lint_imports(
        config_filename=str(ROOT / "pyproject.toml"), cache_dir=str(tmp_path), show_timings=False
    )
    assert status == 0, "run `make lint` to see which import is not allowed"


@pytest.mark.parametrize("module", ["app.main", "app.cli"])
def test_the_service_loads_neither_torch_nor_training(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules, sep='\\n')"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).split()
    roots = {name.partition(".")[0] for name in loaded}
    assert "app" in roots
    assert not roots & {"torch", "torchvision", "training", "onnx", "tests", "ray", "deploy"}


def test_the_contract_loads_only_what_both_sides_have() -> None:
    code = "import sys, contract; print(*sys.modules, sep='\\n')"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).split()
    roots = {name.partition(".")[0] for name in loaded}
    assert not roots & {"torch", "onnx", "onnxruntime", "fastapi", "app", "training"}


def test_every_dependency_has_its_sentence_of_why() -> None:
    asked_for = [
        *PROJECT["dependencies"],
        *(requirement for extra in EXTRAS.values() for requirement in extra),
        *PYPROJECT["build-system"]["requires"],
    ]
    page = (ROOT / "docs" / "dependencies.md").read_text()
    explained = set(re.findall(r"^- `([^`]+)`: \S.*", page, re.MULTILINE))
    from_elsewhere = {"tini"}  # Debian's, in the images
    assert explained - from_elsewhere == {Requirement(each).name for each in asked_for}


def test_the_onnxruntime_flavours_exclude_each_other() -> None:
    assert [Requirement(each).name for each in EXTRAS["cpu"]] == ["onnxruntime"]
    assert [Requirement(each).name for each in EXTRAS["gpu"]] == ["onnxruntime-gpu"]
    everywhere = [*PROJECT["dependencies"], *EXTRAS["train"], *EXTRAS["dev"]]
    assert not [each for each in everywhere if Requirement(each).name.startswith("onnxruntime")]


def test_constraints_hold_pins_and_comments_only() -> None:
    lines = [line for line in CONSTRAINTS.splitlines() if line and not line.startswith("#")]
    assert len(lines) == len(PINS)
    assert "://" not in CONSTRAINTS
    assert not re.search(r"^\s*-", CONSTRAINTS, re.MULTILINE)
    assert "+" not in "".join(PINS.values()), "a local version such as +cpu is not on every index"
    assert PINS["torch"] == "2.13.0"


def test_constraints_pin_every_installed_dependency_as_it_is() -> None:
    closure_here = closure(required_by(EXTRAS))
    installed = {name: each.version for name, each in closure_here.items()}
    assert {"fastapi", "pytest", "torch"} <= installed.keys()
    wrong = {
        name: (version, PINS.get(name))
        for name, version in installed.items()
        if version.partition("+")[0] != PINS.get(name)
    }
    assert not wrong, f"installed and pinned versions differ: {wrong}"


def test_every_pin_can_be_installed_by_the_oldest_python_that_is_promised() -> None:
    """3.11 means 3.11.0 and Debian's 3.11.2, too; pip would find no version that fits."""
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    too_new = {
        name: (each.version, needed)
        for name, each in closure(required_by(EXTRAS)).items()
        if (needed := each.distribution.metadata.get("Requires-Python"))
        and oldest not in SpecifierSet(needed)
    }
    assert not too_new, f"these need a newer Python than {oldest}: {too_new}"


def test_constraints_pin_what_is_not_installed_here() -> None:
    """The other flavour of ONNX Runtime and the CUDA libraries that it needs."""
    assert {"onnxruntime", "onnxruntime-gpu", "nvidia-cudnn-cu13", "nvidia-cublas"} <= PINS.keys()


def test_the_top_level_holds_only_what_it_should() -> None:
    ignored = [
        pattern.rstrip("/")
        for pattern in (ROOT / ".gitignore").read_text().split()
        if not pattern.startswith("#")
    ]
    found = {
        path.name
        for path in ROOT.iterdir()
        if not path.name.startswith(".")
        and not any(fnmatch.fnmatch(path.name, pattern) for pattern in ignored)
    }
    assert found <= TOP_LEVEL


def test_one_place_holds_the_version() -> None:
    version = PROJECT["version"]
    holders = [
        path.relative_to(ROOT).as_posix()
        for package in ("app", "contract", "training")
        for path in (ROOT / package).rglob("*.py")
        if re.search(rf"""["']{re.escape(version)}["']""", path.read_text())
    ]
    assert not holders, "read importlib.metadata.version('ganserve') instead"


@pytest.mark.parametrize("package", ["app", "contract", "training", "deploy", "benchmarks"])
def test_no_error_is_raised_where_older_pythons_wrap_it(package: str) -> None:
    """Before 3.11.4, Debian 12's among them, ``except*`` puts what it raises into a group."""
    starred = re.compile(r"^\s*except\s*\*", re.MULTILINE)
    found = [path for path in (ROOT / package).rglob("*.py") if starred.search(path.read_text())]
    assert not found
