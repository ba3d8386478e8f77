"""Schemathesis against a server of toy models: ``python -m tests.api_proof.run``.

A server with small limits is asked for whatever its OpenAPI document allows and for what it
forbids. All checks of schemathesis are on but positive_data_acceptance, and so are those of
``checks.py``. Exit status 1 if any of them fails.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.access_files import add_key
from tests.live_server import ROOT, server_process
from tests.toy_models import make_card, write_model, write_sums

CONFIG = Path(__file__).with_name("schemathesis.toml")
CHECKS = "tests.api_proof.checks"
LIMITS = {
    "GANSERVE_DEFAULT_MODEL": "tiny",
    "GANSERVE_DEFAULT_CONDITIONAL_MODEL": "tiny-conditional",
    "GANSERVE_MAX_IMAGES": "8",
    "GANSERVE_MAX_QUEUE_SIZE": "64",
    "GANSERVE_MAX_DATASET_IMAGES": "16",
    "GANSERVE_MAX_UPLOAD_BYTES": "20000",
    "GANSERVE_LOG_LEVEL": "error",
}


@dataclass(frozen=True)
class Outcome:
    num_operations: int
    num_cases: int
    failures: tuple[str, ...]  # kinds of them
    seconds: float
    is_clean: bool
    output: str


def write_models(models: Path) -> None:
    """One of each kind, so that every route has something to answer with."""
    classes = ("T-shirt/top", "Bag", "7")
    translator = {"kind": "translator", "latent_dim": 0, "source_channels": 1}
    write_model(models, make_card("tiny"))
    write_model(
        models,
        make_card("tiny-conditional", system="cgan", class_names=classes),
        mixes_classes=True,
    )
    write_model(models, make_card("tiny-two"), version=1, salt=1)
    path = write_model(models, make_card("tiny-two"), version=2, salt=2)
    (path.parent / "preview.png").write_bytes(b"\x89PNG preview")
    write_model(models, make_card("tiny-translator", system="cyclegan", **translator))
    write_sums(models)


def prove(url: str, *, max_examples: int, seed: int, options: tuple[str, ...] = ()) -> Outcome:
    """Ask the server at ``url``; ``max_examples`` of random cases for each operation."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"]
        command += [f"{url}/openapi.json", f"--max-examples={max_examples}", f"--seed={seed}"]
        command += ["--continue-on-failure", "--no-color", "--report=json"]
        command += [f"--report-json-path={report}", *options]
        done = subprocess.run(
            command,
            cwd=folder,  # where schemathesis and hypothesis keep what they remember
            env=os.environ | {"SCHEMATHESIS_HOOKS": CHECKS, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        told: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {}
    if not told:
        raise RuntimeError(f"schemathesis gave no report:\n{done.stdout}")
    return Outcome(
        num_operations=told["operations"]["tested"],
        num_cases=told["test_cases"]["generated"],
        failures=tuple(failure["title"] for failure in told["failures"]),
        seconds=told["running_time"],
        is_clean=done.returncode == 0,
        output=done.stdout,
    )


def prove_toy_server(*, max_examples: int, seed: int, options: tuple[str, ...] = ()) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        write_models(models)
        keys = Path(folder) / "keys.toml"
        key = add_key(keys, "prover", role="admin")
        with server_process(models, **LIMITS, GANSERVE_API_KEYS_FILE=str(keys)) as (_, client):
            url = str(client.base_url).rstrip("/")
            as_admin = ("--header", f"Authorization: Bearer {key}")
            return prove(url, max_examples=max_examples, seed=seed, options=(*as_admin, *options))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max-examples", type=int, default=400, help="random cases an operation")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    outcome = prove_toy_server(max_examples=arguments.max_examples, seed=arguments.seed)
    print(outcome.output)
    print(
        f"{outcome.num_cases:,} cases of {outcome.num_operations} operations in "
        f"{outcome.seconds:.0f} s: {len(outcome.failures)} kinds of failures"
    )
    return 0 if outcome.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
