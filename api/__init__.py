"""HTTP out: look up places, read facts, apply a pure rule, shape the answer."""
