"""The routes: parse, ask, answer. Each module adds its own to an app."""
