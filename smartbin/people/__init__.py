"""Who may sign in, with what role."""
