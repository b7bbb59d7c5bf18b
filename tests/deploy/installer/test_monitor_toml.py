"""The configuration that is written fits the server that was found, and the monitor accepts it."""

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from deploy.installer import monitor_toml, places, plan
from deploy.installer.health_addresses import Answer
from deploy.installer.listeners import Listener
from deploy.installer.plan import Choice, Wanted
from deploy.installer.stock import Directory, Stock
from monitor_blueprint import config
from tests.deploy.installer.stocks import EMPTY, LIVED_IN, having

SHIPPED = (Path(__file__).parents[3] / "deploy/monitoring/monitor.toml").read_text(encoding="utf-8")
DOWN = having(LIVED_IN, django=(Answer("http://127.0.0.1:8000/api/health/", 404),))
NO_UNIT = having(
    EMPTY, listeners=(Listener("127.0.0.1:8000", "", "python3"),), django=(Answer("http://127.0.0.1:8000/health", 200),)
)
FOREIGN_STATE = having(EMPTY, directories={**EMPTY.directories, str(places.STATE): Directory("ubuntu", 0o755)})


def rendered(stock: Stock, choice: Choice = "auto", **ports: int) -> str:
    return monitor_toml.render(SHIPPED, plan.make(stock, Wanted(choice, **ports)))


def checks(stock: Stock, choice: Choice = "auto", **ports: int) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in tomllib.loads(rendered(stock, choice, **ports))["check"]}


@pytest.mark.parametrize(
    "stock", [EMPTY, LIVED_IN, DOWN, NO_UNIT, FOREIGN_STATE], ids=["empty", "lived-in", "404", "unit", "state"]
)
@pytest.mark.parametrize("choice", ["auto", "none", "beside", "replace"])
def test_the_monitor_accepts_it(stock: Stock, choice: Choice, tmp_path: Path) -> None:
    path = tmp_path / "monitor.toml"
    path.write_text(rendered(stock, choice), encoding="utf-8")
    config.load({"NEURONOVA_CONFIG": str(path), "PATH": os.environ["PATH"], "MONITOR_ADMIN_TOKEN": "x" * 32})


def test_the_guides_server_gets_what_is_shipped() -> None:
    assert rendered(EMPTY) == SHIPPED


def test_a_lived_in_server() -> None:
    found = checks(LIVED_IN)
    assert found["Django"]["url"] == found["DjangoHealth"]["url"] == "http://127.0.0.1:8000/api/v1/health/"
    assert found["Flask"]["url"] == "http://127.0.0.1:9000/health"
    assert "Prediction" not in found, "nobody knows what that server must answer"
    assert not {"Feedback", "Drift"} & set(found), "it keeps none of that"
    assert len(found) == SHIPPED.count("\n[[check]]\n") - 3


def test_ours_beside_another() -> None:
    found = checks(LIVED_IN, "beside")
    assert found["Flask"]["unit"] == "gunicorn_flask"
    assert (found["MLServer"]["unit"], found["MLServer"]["url"]) == ("gunicorn_ml_server", "http://127.0.0.1:9002/health")
    assert found["Prediction"]["url"] == "http://127.0.0.1:9002/predict"
    assert found["Feedback"]["url"] == "http://127.0.0.1:9002/api/feedback/summary"
    assert found["Drift"]["depends_on"] == ["MLServer"]
    assert found["Restarts"]["units"] == found["Journal"]["units"]
    assert found["Journal"]["units"] == ["nginx", "gunicorn_django", "gunicorn_flask", "gunicorn_ml_server"]


def test_ours_at_another_port() -> None:
    found = checks(EMPTY, ml_port=9100)
    assert found["Flask"]["url"] == "http://127.0.0.1:9100/health"
    assert found["Prediction"]["url"] == "http://127.0.0.1:9100/predict"
    assert found["Drift"]["url"] == "http://127.0.0.1:9100/api/drift"


def test_no_health_address() -> None:
    """Where to enter it is left in the file."""
    found = checks(DOWN)
    assert "url" not in found["Django"]
    assert "DjangoHealth" not in found
    assert '# url = "http://127.0.0.1:8000/api/health/"' in rendered(DOWN)


def test_a_site_without_a_unit() -> None:
    found = checks(NO_UNIT)
    assert "unit" not in found["Django"]
    assert found["Django"]["url"] == "http://127.0.0.1:8000/health"
    assert found["Restarts"]["units"] == ["nginx", "gunicorn_flask"]


def test_a_state_directory_of_its_own() -> None:
    assert tomllib.loads(rendered(FOREIGN_STATE))["monitor"]["state_dir"] == "/var/lib/neuronova/monitor"
