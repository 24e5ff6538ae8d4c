"""MQTT in: pull, decode, keep, acknowledge."""
