"""Metrics: one registry an app, and one answer for several worker processes."""

import os
import subprocess
import sys
from pathlib import Path

from app.metrics import Metrics


def test_two_apps_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.shed.labels("tiny", "1").inc()
    assert b'ganserve_shed_total{model="tiny",version="1"} 1.0' in one.render()
    assert b"tiny" not in other.render()


def test_worker_processes_are_added_up(tmp_path: Path) -> None:
    program = (
        "from app.metrics import Metrics; m = Metrics();"
        "m.images_generated.labels('tiny', '1').inc(3);"
        "m.queue_size.labels('tiny', '1').set(2);"
        "print(m.render().decode())"
    )
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for worker in (1, 2):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        line = f'ganserve_images_generated_total{{model="tiny",version="1"}} {3.0 * worker}'
        assert line in done.stdout
