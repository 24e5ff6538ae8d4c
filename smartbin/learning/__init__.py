"""Learning how to sort: the dictionary of things (``dictionary.csv``), and what is built on it.

The format and the safety rules of the dictionary are in docs/dictionary.md.
"""
