"""``python -m training`` is ``gantrain``."""

import sys

from training.cli import main

sys.exit(main())
