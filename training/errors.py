"""What a user of the training commands can get wrong; the command line prints the message alone."""


class TrainingError(Exception):
    """Something the user can put right; the message names it, its value and what would be right."""
