"""Points: statements, rewards, the tariff, and what is settled when."""
