"""The service on Ray: what serves, and what makes images in bulk, beyond one machine."""
