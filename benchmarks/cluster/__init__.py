"""The service on a cluster: what is lost when parts of it die, and what the way there costs."""
