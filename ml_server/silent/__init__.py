"""The silent trial: a second version answers the same requests as the one that is served, and nobody gets its answers.

`feed` is what a worker does: it counts each prediction (`ledger`) and puts what was asked into a `ring` that `comparer`, a
process of its own, takes it out of: neither ever waits for the other. `comparing` holds two answers against each other, `report`
says what came of it.
"""
