"""Kills a monitor at random moments, over and over, while its receivers refuse, stall, acknowledge late and lie."""
