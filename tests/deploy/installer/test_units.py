"""Whose a unit is goes by what it runs, not by its name."""

import pytest

from deploy.installer.units import Unit, parse

OURS = """Id=gunicorn_flask.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled
FragmentPath=/etc/systemd/system/gunicorn_flask.service
DropInPaths=/etc/systemd/system/gunicorn_flask.service.d/a.conf /run/b.conf
ExecStart={ path=/opt/neuronova/current/venv/bin/python ; argv[]=/opt/neuronova/current/venv/bin/python x ; ignore_errors=no }
User=neuronova-ml
MainPID=7"""


def test_our_unit() -> None:
    unit = parse(OURS)
    assert unit.is_ours
    assert not unit.is_foreign
    assert unit.is_active
    assert unit.main_pid == 7
    assert unit.drop_ins == ("/etc/systemd/system/gunicorn_flask.service.d/a.conf", "/run/b.conf")


@pytest.mark.parametrize("program", ["/srv/venv/bin/gunicorn", "/opt/neuronova/venv/bin/gunicorn", "/opt/neuronova-site/bin/x"])
def test_a_unit_of_somebody_else(program: str) -> None:
    """Also one below /opt/neuronova that is no release of ours."""
    assert parse(OURS.replace("/opt/neuronova/current/venv/bin/python", program)).is_foreign


def test_a_masked_unit_is_foreign() -> None:
    assert parse("Id=gunicorn_flask.service\nLoadState=masked\nActiveState=inactive").is_foreign


def test_a_unit_that_is_not_there() -> None:
    unit = parse("Id=gunicorn_flask.service\nLoadState=not-found")
    assert not unit.is_ours
    assert not unit.is_foreign
    assert Unit("x") == Unit("x", load_state="not-found")


def test_arguments_are_not_kept() -> None:
    """They may hold a secret."""
    assert "SECRET" not in repr(parse(OURS.replace("python x", "python --key SECRET")))
