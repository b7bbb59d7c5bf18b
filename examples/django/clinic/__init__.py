"""The Django application: its health, its predictions and the server's statistics."""
