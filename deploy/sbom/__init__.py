"""What the service installs, with versions and licences: ``make sbom``. Knows no registry."""
