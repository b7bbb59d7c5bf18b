"""What the monitor says: the catalogue, and how log lines and alerts are made of it."""
