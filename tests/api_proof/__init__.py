"""Requests made up from the OpenAPI document, and whether the answers keep to it."""
