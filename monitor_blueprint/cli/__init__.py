"""The operators' commands: `neuronova-health-check` and `neuronova-monitor`."""

from monitor_blueprint.cli.program import main, run, run_health_check

__all__ = ["main", "run", "run_health_check"]
