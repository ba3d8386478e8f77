"""gantrain doctor: what went wrong with a run, and what to try."""

import argparse
from pathlib import Path

from training.commands.options import Commands

SICK = 3  # 2 is argparse's, for a command line it does not understand


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "doctor",
        help="what went wrong with a run and what to try",
        description="Explains a run, finished or not, and draws RUN_DIR/doctor.png. Exit status: 0 "
        f"healthy or too early to tell, {SICK} sick at its last tick, 1 no run.",
    )
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from training.doctor.diagnosis import findings_ever
    from training.doctor.plot import draw
    from training.doctor.reading import read_run
    from training.doctor.telling import explain

    patient = read_run(options.run_dir)
    findings = findings_ever(patient.course)
    paragraphs = explain(patient, findings)
    if path := draw(patient, findings):
        paragraphs.append(f"plot: {path}")
    print("\n\n".join(paragraphs))
    return SICK if any(finding.is_current for finding in findings) else 0
