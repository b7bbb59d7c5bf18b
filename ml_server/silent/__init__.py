"""The silent trial: a second version answers the same requests as the one that is served, and nobody gets its answers.

`feed` is what a worker does: it counts each prediction (`ledger`) and hands what was asked to `comparer`, a process of its own,
without ever waiting for it. `comparing` holds two answers against each other, `report` says what came of it.
"""
