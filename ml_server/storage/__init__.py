"""What the ML server keeps in SQLite: every SQL statement stands here. No value of a feature is kept longer than its use."""
