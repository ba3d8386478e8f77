"""Data sets of generated images: what is in them, and how they become an archive or a folder."""
