"""How many connections the system lets a process have. Knows no connection."""

import resource

KEPT_FOR_FILES = 256  # descriptors for models, logs, pipes and whatever libraries open


def num_affordable_connections() -> int:
    """Connections that find a descriptor each, after the soft limit was raised to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(1, hard - KEPT_FOR_FILES)
