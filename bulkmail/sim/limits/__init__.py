"""What the service permits, and how it refuses what goes beyond that."""
