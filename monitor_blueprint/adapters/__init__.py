"""What touches the outside and can hang: HTTP, commands, files, systemd."""
