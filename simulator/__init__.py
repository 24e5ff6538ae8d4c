"""A fleet that does not exist: from a seed and a clock to facts."""
