"""Reward points: what deposits earn, the ledger, and what points buy."""
