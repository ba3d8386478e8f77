"""From a finished run to a model of the repository: checked and whole, or nothing."""
