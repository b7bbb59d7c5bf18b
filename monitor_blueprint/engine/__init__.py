"""What drives the monitor: the health check, the schedule, the lock, and what puts them together."""
