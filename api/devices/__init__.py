"""What each device says of itself, and what it needs."""
