"""Collection: what was emptied, and a crew's round."""
