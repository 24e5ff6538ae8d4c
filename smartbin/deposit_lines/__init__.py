"""Which card deposited what: the one place where a card and a deposit meet."""
