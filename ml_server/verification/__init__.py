"""What is tried before a model may be served, all of it at once, in a process of its own.

`apart` starts that process (`trying`) with limits of memory and time; `verify` is what it does; `coverage` asks whether the
golden samples could tell a wrong card from the right one. `trials` keeps the verdicts for all workers, `comparison` holds two
versions against each other.
"""
