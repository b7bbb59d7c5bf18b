"""`python -m monitor_blueprint.cli` is `neuronova-monitor`."""

from monitor_blueprint.cli import run

run()
