"""The commands of gantrain, a file each: its options, and what it does."""
