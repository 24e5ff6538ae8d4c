"""When a door needs a crew, and what crews say they did."""
