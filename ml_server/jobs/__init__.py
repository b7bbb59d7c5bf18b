"""Long jobs: requests of `/predict` that are answered when they are done, by a process of their own, one in the whole server.

`accepting` looks at once for what `/predict` would refuse; `runner` is the process, `answering` makes its answers, piece by
piece as `/predict` would; `desk` is what a worker has of them.
"""
