"""ganserve bench: what the service gives, and what that costs."""
