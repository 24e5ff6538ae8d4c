"""Jobs: work that nobody asks for, repeated by a program (``runner``), in one at a time."""
