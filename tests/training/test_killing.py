"""Training that is killed without warning loses nothing but the time since its last checkpoint."""

import json
import os
import subprocess
import sys

import pytest

from tests.live_server import ROOT


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_as_if_undisturbed() -> None:
    command = [sys.executable, "-m", "tests.training.killing", "--kills=5", "--systems=dcgan"]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["num_kills"] == 5
    assert outcome["num_torn"] >= 1  # some died while they wrote a checkpoint
    assert outcome["are_files_equal"]
    assert outcome["are_records_equal"]
