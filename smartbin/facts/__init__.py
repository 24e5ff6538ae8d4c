"""Facts that devices state: their types, their columns and their wire format."""
