"""The store for more than one machine: InfluxDB 2."""
