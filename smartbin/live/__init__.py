"""The live stream: reads the outbox in order and says what is new."""
