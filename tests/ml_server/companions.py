"""A companion for tests: says that it runs, and waits for its end."""

import os
import signal
import sys
from pathlib import Path


def main() -> None:
    directory = Path(sys.stdin.read())
    if (directory / "fail").exists():
        sys.exit(3)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.mkfifo(directory / f"runs-{os.getpid()}")
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
