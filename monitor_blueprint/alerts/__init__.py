"""From an alert that is committed to one that is accepted; and who tells when the monitor itself is gone."""
