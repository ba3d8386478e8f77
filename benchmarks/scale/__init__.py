"""How far the service goes: what it costs here, measured, and how many of it behave, simulated."""
