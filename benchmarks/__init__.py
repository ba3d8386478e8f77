"""Side-by-side measurements; results are kept with date and hardware."""
