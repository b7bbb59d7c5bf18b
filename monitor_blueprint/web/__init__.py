"""What the monitor shows over HTTP: pages, its own health, statistics, metrics."""
