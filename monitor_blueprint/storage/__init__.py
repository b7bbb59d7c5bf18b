"""What the monitor keeps: every SQL statement is here."""
