"""What is done follows from what is there and what was asked for."""

from dataclasses import replace

import pytest

from deploy.installer import places, plan
from deploy.installer.earlier import CronText, Earlier
from deploy.installer.health_addresses import Answer
from deploy.installer.listeners import Listener
from deploy.installer.plan import Wanted, Watched
from deploy.installer.stock import CronFile, Directory, Stock
from tests.deploy.installer.stocks import EMPTY, INSTALLED, LIVED_IN, having, unit

AUTO = Wanted()
BESIDE, REPLACE, NONE, ONLY = Wanted("beside"), Wanted("replace"), Wanted("none"), Wanted("only")
BY_HAND = Listener("0.0.0.0:9000", "", "python3")
MASKED = unit(places.ML_UNIT, "", load_state="masked", active_state="inactive")
STOPPED = unit(places.ML_UNIT, active_state="inactive", file_state="disabled")
BESIDE_INSTALLED = having(LIVED_IN, unit(places.ML_UNIT_BESIDE, "ours"), unit(places.MONITOR_UNIT, "ours"))
ALONE = having(LIVED_IN, unit(places.MONITOR_UNIT, "ours"))


@pytest.mark.parametrize(
    ("stock", "wanted", "ml_unit"),
    [
        (EMPTY, AUTO, places.ML_UNIT),
        (EMPTY, NONE, ""),
        (EMPTY, BESIDE, places.ML_UNIT),
        (EMPTY, REPLACE, places.ML_UNIT),
        (EMPTY, ONLY, places.ML_UNIT),
        (LIVED_IN, AUTO, ""),
        (LIVED_IN, NONE, ""),
        (LIVED_IN, BESIDE, places.ML_UNIT_BESIDE),
        (LIVED_IN, ONLY, places.ML_UNIT_BESIDE),
        (LIVED_IN, REPLACE, places.ML_UNIT),
        (having(EMPTY, MASKED), AUTO, ""),
        (having(EMPTY, STOPPED), AUTO, ""),
        (having(EMPTY, listeners=(BY_HAND,)), AUTO, ""),
        (having(EMPTY, listeners=(BY_HAND,)), BESIDE, places.ML_UNIT_BESIDE),
        (INSTALLED, AUTO, places.ML_UNIT),
        (BESIDE_INSTALLED, AUTO, places.ML_UNIT_BESIDE),
        (ALONE, AUTO, ""),
        (having(EMPTY, unit(places.MONITOR_UNIT, "ours")), AUTO, ""),
    ],
)
def test_which_ml_server(stock: Stock, wanted: Wanted, ml_unit: str) -> None:
    """A foreign one stays, whether it runs or not; what was decided once stays decided."""
    made = plan.make(stock, wanted)
    assert made.ml_unit == ml_unit
    assert made.refusals == ()
    assert made.has_monitor is (wanted is not ONLY)
    assert made.is_replacing is (stock is LIVED_IN and wanted is REPLACE)


def test_the_ports() -> None:
    assert plan.make(EMPTY, AUTO).ml_bind == "127.0.0.1:9000"
    assert plan.make(LIVED_IN, BESIDE).ml_bind == "127.0.0.1:9002"
    assert plan.make(LIVED_IN, Wanted("beside", ml_port=9100)).ml_bind == "127.0.0.1:9100"
    assert plan.make(EMPTY, Wanted(monitor_port=9101)).monitor_bind == "127.0.0.1:9101"


def test_the_operators_settings_count() -> None:
    """Where they have the programs listen is where they are asked."""
    made = plan.make(replace(INSTALLED, ml_bind="unix:/run/ml.sock", monitor_bind="[::1]:9101"), AUTO)
    assert (made.ml_bind, made.monitor_bind) == ("unix:/run/ml.sock", "[::1]:9101")
    assert made.flask.url == "http+unix://%2Frun%2Fml.sock/health"
    assert made.refusals == ()


def test_the_key_is_new_where_nobody_asks() -> None:
    """A client of the server before knows no key."""
    assert plan.make(EMPTY, AUTO).is_new_ml_server
    assert plan.make(LIVED_IN, BESIDE).is_new_ml_server
    assert not plan.make(LIVED_IN, REPLACE).is_new_ml_server
    assert not plan.make(INSTALLED, AUTO).is_new_ml_server


@pytest.mark.parametrize(
    ("stock", "wanted", "said", "remedy"),
    [
        (having(EMPTY, unit(places.MONITOR_UNIT)), AUTO, "gunicorn_monitor.service is somebody else's", "Rename"),
        (having(EMPTY, listeners=(Listener("*:9001", "x.service"),)), AUTO, "9001 is taken by x.service", "--monitor-port 9011"),
        (having(LIVED_IN, listeners=(Listener("*:9002", "", "node"),)), BESIDE, "9002 is taken by node", "--ml-port 9012"),
        (having(LIVED_IN, unit(places.ML_UNIT_BESIDE)), BESIDE, "gunicorn_ml_server.service is somebody else's", "Rename"),
        (having(EMPTY, listeners=(BY_HAND,)), REPLACE, "by python3; it cannot be replaced", "--with-ml-server"),
        (replace(EMPTY, free_disk_mb=900), AUTO, "900 MB free, 1200 MB are needed", "Free some space"),
        (
            replace(EMPTY, directories={**EMPTY.directories, str(places.SETTINGS): Directory("root", 0o700)}),
            AUTO,
            "/etc/neuronova belongs to root and is closed to others (0700)",
            "chmod o+x /etc/neuronova",
        ),
    ],
)
def test_what_is_refused(stock: Stock, wanted: Wanted, said: str, remedy: str) -> None:
    """Nothing is done, and it is said what would help."""
    [refusal] = plan.make(stock, wanted).refusals
    assert said in refusal.why
    assert remedy in refusal.remedy


@pytest.mark.parametrize(
    ("stock", "wanted", "said"),
    [
        (INSTALLED, NONE, "gunicorn_flask.service of ours is installed"),
        (INSTALLED, ONLY, "gunicorn_monitor.service of ours is installed"),
        (BESIDE_INSTALLED, REPLACE, "gunicorn_ml_server.service of ours is installed"),
        (replace(INSTALLED, ml_bind="127.0.0.1:9000"), Wanted(ml_port=9100), "has it listen at 127.0.0.1:9000"),
        (replace(INSTALLED, monitor_bind="127.0.0.1:9001"), Wanted(monitor_port=9100), "has it listen at 127.0.0.1:9001"),
    ],
)
def test_options_that_do_not_fit(stock: Stock, wanted: Wanted, said: str) -> None:
    """Nothing of ours is left behind that nobody upgrades."""
    assert said in plan.make(stock, wanted).refusals[0].why


def test_an_upgrade_needs_no_more_room() -> None:
    assert plan.make(replace(INSTALLED, free_disk_mb=900), AUTO).refusals == ()


def test_the_health_address_is_found() -> None:
    made = plan.make(LIVED_IN, AUTO)
    assert made.django == Watched(places.DJANGO_UNIT, "http://127.0.0.1:8000/api/v1/health/")
    assert made.flask == Watched(places.ML_UNIT, "http://127.0.0.1:9000/health")
    assert made.has_health_body
    [note] = [note for note in made.notes if note.startswith("Django: ")]
    assert '`url` of check "Django" in /etc/neuronova/monitor.toml' in note


def test_no_health_address_answers() -> None:
    """Then the unit alone is watched, and where to enter the address is said."""
    answers = tuple(Answer(f"http://127.0.0.1:8000/{path}", 404) for path in ("api/health/", "health"))
    made = plan.make(replace(LIVED_IN, django=answers), AUTO)
    assert made.django == Watched(places.DJANGO_UNIT, "")
    assert not made.has_health_body
    [note] = [note for note in made.notes if "no health address answers 200" in note]
    assert "/api/health/ 404" in note
    assert '`url` of check "Django" in /etc/neuronova/monitor.toml' in note


def test_a_host_that_django_does_not_know() -> None:
    made = plan.make(replace(LIVED_IN, django=(Answer("http://127.0.0.1:8000/api/health/", 400),)), AUTO)
    assert any("ALLOWED_HOSTS" in note for note in made.notes)


def test_a_site_that_is_down_now() -> None:
    """It is watched as the guide has it."""
    made = plan.make(replace(LIVED_IN, django=()), AUTO)
    assert made.django == Watched(places.DJANGO_UNIT, "http://127.0.0.1:8000/api/health/")


def test_a_site_under_another_unit() -> None:
    stock = having(
        EMPTY,
        listeners=(Listener("127.0.0.1:8000", "uwsgi.service"),),
        django=(Answer("http://127.0.0.1:8000/api/health/", 200),),
    )
    assert plan.make(stock, AUTO).django == Watched("uwsgi.service", "http://127.0.0.1:8000/api/health/")


@pytest.mark.parametrize("unit_name", ["", "docker.service", "user@1000.service", "ssh.service"])
def test_a_site_without_a_unit(unit_name: str) -> None:
    """A shell or a container is no unit to watch: its address is."""
    listener = Listener("127.0.0.1:8000", unit_name, "python3")
    stock = having(EMPTY, listeners=(listener,), django=(Answer("http://127.0.0.1:8000/health", 200),))
    assert plan.make(stock, AUTO).django == Watched("", "http://127.0.0.1:8000/health")


def test_a_foreign_state_directory() -> None:
    foreign = {**EMPTY.directories, str(places.STATE): Directory("ubuntu", 0o755)}
    assert plan.make(EMPTY, AUTO).state_dir == "/var/lib/neuronova"
    assert plan.make(replace(EMPTY, directories=foreign), AUTO).state_dir == "/var/lib/neuronova/monitor"
    assert plan.make(INSTALLED, AUTO).state_dir == "/var/lib/neuronova"


def test_what_is_told() -> None:
    stock = replace(
        LIVED_IN,
        is_cut_short=True,
        foreign_users=("neuronova",),
        earlier_script="/usr/local/bin/neuronova-health-check",
        earlier=Earlier({}, ("ALERT_EMAIL",)),
        cron=(CronFile("/etc/cron.d/x", CronText("", (), ("a && b",))),),
        free_memory_mb=100,
    )
    told = "\n".join(plan.make(stock, AUTO).notes)
    for words in ("cut short", "--with-ml-server", "User neuronova", "ALERT_EMAIL is not taken over", "a && b", "Only 100 MB"):
        assert words in told


def test_the_units_of_a_plan() -> None:
    monitor = (places.MONITOR_UNIT, places.DEADMAN_SERVICE, places.DEADMAN_TIMER)
    assert plan.make(EMPTY, AUTO).units == (places.ML_UNIT, *monitor)
    assert plan.make(LIVED_IN, AUTO).units == monitor
    assert plan.make(EMPTY, ONLY).units == (places.ML_UNIT,)
