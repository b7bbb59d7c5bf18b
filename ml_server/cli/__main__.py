"""`python -m ml_server.cli`: the same as `neuronova-model`, where the program is not on the path."""

from ml_server.cli import run

if __name__ == "__main__":
    run()
