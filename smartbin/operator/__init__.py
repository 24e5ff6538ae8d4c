"""What an operator does from a shell: deploy, back up, copy, look at refused messages."""
