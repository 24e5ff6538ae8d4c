"""The tariff, what a week of deposits earns, what expires, and what it all is in sentences. Pure:
no store, no clock.
"""
