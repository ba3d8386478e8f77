"""Who may ask for what, and how often: API keys, their roles and limits. Knows no model."""
