"""The gunicorn worker of both programs: HTTP by httptools in an event loop, the application in a few threads."""
