"""Pure rules of the monitor: standard library only, no clock, no input or output."""
