"""One file per contestant (``with_NAME.py``), each run in an environment of its own."""
