"""Kills a monitor at random moments, over and over, while its channels fail half the time."""
