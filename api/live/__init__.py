"""Server-sent events: what changed, within a second."""
