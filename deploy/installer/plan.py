"""What will be done on this server: decided from the stock alone, so that it can be shown before, and tested."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from deploy.installer import places
from deploy.installer.health_addresses import Answer, best, url_of
from deploy.installer.stock import Stock

Choice = Literal["auto", "none", "beside", "replace", "only"]
NEEDED_MB = 1200
NEEDED_MEMORY_MB = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line.

    Attributes:
        ml_server: "auto": as the stock has it; "none": the monitor alone; "beside" or "replace" a foreign one; "only": no
            monitor. ml_port: where ours listens; 0: 9000, beside a foreign one 9002. monitor_port: 0: 9001.
    """

    ml_server: Choice = "auto"
    ml_port: int = 0
    monitor_port: int = 0


@dataclass(frozen=True, slots=True)
class Watched:
    """A service that the monitor watches: its unit, and the address of its health; empty where there is none."""

    unit: str
    url: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing is done, and what to do about it."""

    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done.

    Attributes:
        has_monitor: whether the monitor is installed. ml_unit: the ML server's unit; empty: it is not installed.
        ml_bind, monitor_bind: where they listen, HOST:PORT or unix:PATH.
        is_replacing: whether ml_unit is somebody else's now. is_new_ml_server: whether nobody asks it yet.
        state_dir: where the monitor keeps its history.
        nginx, django, flask: what the monitor is set up to watch. has_health_body: whether Django's says how it is.
        notes: what whoever installs it should know. refusals: if there is one, nothing is done.
    """

    has_monitor: bool
    ml_unit: str
    ml_bind: str
    monitor_bind: str
    is_replacing: bool
    is_new_ml_server: bool
    state_dir: str
    nginx: Watched
    django: Watched
    flask: Watched
    has_health_body: bool
    notes: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def commands(self) -> tuple[str, ...]:
        """Return the commands that are installed."""
        return (*(places.COMMANDS if self.has_monitor else ()), *(places.ML_COMMANDS if self.ml_unit else ()))

    @property
    def units(self) -> tuple[str, ...]:
        """Return the units that are installed."""
        monitor = (places.MONITOR_UNIT, places.DEADMAN_SERVICE, places.DEADMAN_TIMER) if self.has_monitor else ()
        return ((self.ml_unit,) if self.ml_unit else ()) + monitor

    @property
    def is_flask_ours(self) -> bool:
        """Tell whether the server that the guide's third check watches is ours."""
        return self.ml_unit == places.ML_UNIT


def make(stock: Stock, wanted: Wanted) -> Plan:
    """Decide."""
    ml_unit, is_replacing = _ml_server(stock, wanted)
    ml_port = wanted.ml_port or (places.ML_PORT_BESIDE if ml_unit == places.ML_UNIT_BESIDE else places.ML_PORT)
    ml_bind = stock.ml_bind or f"127.0.0.1:{ml_port}"
    monitor_bind = stock.monitor_bind or f"127.0.0.1:{wanted.monitor_port or places.MONITOR_PORT}"
    django, django_notes = _watched(stock, _DJANGO, stock.django)
    is_flask_ours = ml_unit == places.ML_UNIT
    flask, flask_notes = _watched(stock, _FLASK, stock.ml_server)
    if is_flask_ours:
        flask, flask_notes = Watched(places.ML_UNIT, url_of(ml_bind, "/health")), ()
    has_monitor = wanted.ml_server != "only"
    refusals = (
        *_machine(stock),
        *_option_refusals(stock, wanted),
        *(_monitor_refusals(stock, _port_of(monitor_bind)) if has_monitor else ()),
        *_ml_refusals(stock, wanted, ml_unit, _port_of(ml_bind), is_replacing=is_replacing),
    )
    return Plan(
        has_monitor=has_monitor,
        ml_unit=ml_unit,
        ml_bind=ml_bind,
        monitor_bind=monitor_bind,
        is_replacing=is_replacing,
        is_new_ml_server=bool(ml_unit) and not is_replacing and not stock.units[ml_unit].is_there,
        # In a directory of somebody else's, a directory of our own.
        state_dir=str(places.STATE / "monitor" if stock.directories[str(places.STATE)].is_foreign else places.STATE),
        nginx=Watched(places.NGINX_UNIT, ""),
        django=django,
        flask=flask,
        # Where nobody answers now, it is expected to be the guide's.
        has_health_body=all(each.status == 0 for each in stock.django) or any(each.is_health_body for each in stock.django),
        notes=(*_notes(stock, wanted, ml_unit), *((*django_notes, *flask_notes) if has_monitor else ())),
        refusals=refusals,
    )


def is_foreign_ml_server(stock: Stock) -> bool:
    """Tell whether somebody else's ML server is here: a unit of that name, or a program at its port."""
    unit, listener = stock.units[places.ML_UNIT], stock.at_port(places.ML_PORT)
    return unit.is_foreign or (listener is not None and listener.unit not in places.OURS)


def _ml_server(stock: Stock, wanted: Wanted) -> tuple[str, bool]:
    """Return the unit of our ML server, empty for none, and whether it takes somebody else's place."""
    installed = next((each for each in (places.ML_UNIT, places.ML_UNIT_BESIDE) if stock.units[each].is_ours), "")
    is_foreign = is_foreign_ml_server(stock)
    match wanted.ml_server:
        case "none":
            return "", False
        case "beside":
            return places.ML_UNIT_BESIDE if is_foreign or installed == places.ML_UNIT_BESIDE else places.ML_UNIT, False
        case "replace":
            return places.ML_UNIT, stock.units[places.ML_UNIT].is_foreign
    if installed:
        return installed, False
    if wanted.ml_server == "only":
        return (places.ML_UNIT_BESIDE if is_foreign else places.ML_UNIT), False
    # A monitor alone stays one: what was decided once is not decided anew by an upgrade.
    is_monitor_alone = stock.units[places.MONITOR_UNIT].is_ours
    return ("" if is_foreign or is_monitor_alone else places.ML_UNIT), False


class _Guide(NamedTuple):
    """A service as the guide has it."""

    name: str
    unit: str
    port: int
    path: str


_DJANGO = _Guide("Django", places.DJANGO_UNIT, places.DJANGO_PORT, "/api/health/")
_FLASK = _Guide("Flask", places.ML_UNIT, places.ML_PORT, "/health")


def _watched(stock: Stock, guide: _Guide, answers: tuple[Answer, ...]) -> tuple[Watched, tuple[str, ...]]:
    """Return what the monitor shall watch of a service, and what is to be said of it."""
    name, unit, port, path = guide
    key = f'`url` of check "{name}" in {places.SETTINGS / "monitor.toml"}'
    listener = stock.at_port(port)
    is_unit_there = stock.units[unit].is_there
    # Under another unit's name, if it is one: a shell, a container or a hand-started program has none worth watching.
    watched = unit if is_unit_there or listener is None else (listener.unit if _is_a_service(listener.unit) else "")
    notes = []
    if watched != unit:
        notes.append(
            f"{name}: there is no unit {unit}; port {port} is {listener.who if listener else 'nobody'}'s, which is watched"
        )
    good = best(answers)
    if good is not None:
        if good.url != url_of(f"127.0.0.1:{port}", path):
            notes.append(f"{name}: {good.url} is the health address; it is entered as {key}")
        return Watched(watched, good.url), tuple(notes)
    if not answers or all(each.status == 0 for each in answers):
        if is_unit_there:
            notes.append(f"{name}: nothing answers now; {url_of(f'127.0.0.1:{port}', path)} will be asked ({key})")
        else:
            notes.append(f"{name}: not found, neither {unit} nor anybody at port {port}; the monitor will say so")
        return Watched(watched, url_of(f"127.0.0.1:{port}", path)), tuple(notes)
    seen = ", ".join(f"{each.url} {each.status}" for each in answers)
    notes.append(f"{name}: no health address answers 200 ({seen}); only its unit is watched. When you know it: {key}")
    if any(each.status == 400 for each in answers):
        notes.append(f"{name}: 400 is what Django says where 127.0.0.1 is not in its ALLOWED_HOSTS")
    return Watched(watched, "" if watched else answers[0].url), tuple(notes)


def _is_a_service(unit: str) -> bool:
    return bool(unit) and not unit.startswith(("user@", "docker", "containerd", "ssh", "cron"))


def _machine(stock: Stock) -> Iterable[Refusal]:
    for path, found in stock.directories.items():
        if not found.is_open:
            yield Refusal(
                f"{path} belongs to {found.owner} and is closed to others ({found.mode:04o}); our programs could not read in it.",
                f"If that is in order: sudo chmod o+x {path}",
            )
    # A release that is there already takes no more room.
    if not stock.release and stock.free_disk_mb < NEEDED_MB:
        yield Refusal(f"{places.HOME.parent} has {stock.free_disk_mb} MB free, {NEEDED_MB} MB are needed.", "Free some space.")


def _option_refusals(stock: Stock, wanted: Wanted) -> Iterable[Refusal]:
    """Refuse what would leave something of ours behind that nobody upgrades, or what the settings say otherwise."""
    ours = [name for name in (places.ML_UNIT, places.ML_UNIT_BESIDE) if stock.units[name].is_ours]
    has_monitor = stock.units[places.MONITOR_UNIT].is_ours
    left = {
        "none": ours,
        "only": [places.MONITOR_UNIT] * has_monitor,
        "replace": [each for each in ours if each != places.ML_UNIT],
    }
    for name in left.get(wanted.ml_server, ()):
        yield Refusal(f"{name} of ours is installed, and would stay as it is.", "Leave that option out, or --uninstall first.")
    for port, bind, file, name in (
        (wanted.ml_port, stock.ml_bind, "ml_server.env", "ML_BIND"),
        (wanted.monitor_port, stock.monitor_bind, "monitor.env", "MONITOR_BIND"),
    ):
        if port and bind and port != _port_of(bind):
            yield Refusal(
                f"{places.SETTINGS / file} is there already, and has it listen at {bind}.",
                f'Change {name}="127.0.0.1:{port}" there, and run this without the option.',
            )


def _port_of(bind: str) -> int:
    """Return the port of an address; 0 of a unix socket."""
    port = bind.rpartition(":")[2]
    return int(port) if port.isdecimal() else 0


def _monitor_refusals(stock: Stock, port: int) -> Iterable[Refusal]:
    for name in (places.MONITOR_UNIT, places.DEADMAN_SERVICE):
        unit = stock.units[name]
        if unit.is_foreign:
            yield Refusal(f"{name} is somebody else's ({unit.program or unit.load_state}).", "Rename that unit, or remove it.")
    holder = stock.at_port(port) if port else None
    if holder is not None and holder.unit != places.MONITOR_UNIT:
        yield Refusal(f"Port {port} is taken by {holder.who}.", f"Choose another for the monitor: --monitor-port {port + 10}")


def _ml_refusals(stock: Stock, wanted: Wanted, ml_unit: str, port: int, *, is_replacing: bool) -> Iterable[Refusal]:
    foreign, holder = stock.units[places.ML_UNIT], stock.at_port(port) if port else None
    if wanted.ml_server == "replace" and is_foreign_ml_server(stock) and not foreign.is_foreign:
        who = holder.who if holder else "?"
        yield Refusal(
            f"The ML server at port {places.ML_PORT} is not run by {places.ML_UNIT} but by {who}; it cannot be replaced.",
            "Stop and disable it yourself, or install ours beside it: --with-ml-server",
        )
    elif ml_unit and not is_replacing and holder is not None and holder.unit != ml_unit:
        yield Refusal(f"Port {port} is taken by {holder.who}.", f"Choose another for the ML server: --ml-port {port + 10}")
    if ml_unit == places.ML_UNIT_BESIDE and stock.units[ml_unit].is_foreign:
        yield Refusal(f"{ml_unit} is somebody else's.", "Rename that unit, or install without --with-ml-server.")


def _notes(stock: Stock, wanted: Wanted, ml_unit: str) -> Iterable[str]:
    if stock.is_cut_short:
        yield "An earlier run was cut short: what it had changed is taken back first"
    if is_foreign_ml_server(stock) and not ml_unit:
        listener = stock.at_port(places.ML_PORT)
        whose = stock.units[places.ML_UNIT].program or (listener.who if listener else "")
        yield f"The ML server here is somebody else's ({whose}): it stays as it is, and the monitor alone is installed"
        if wanted.ml_server == "auto":
            yield f"  ours beside it, at port {places.ML_PORT_BESIDE}: --with-ml-server; in its place: --replace-ml-server"
    for name in stock.foreign_users:
        yield f"User {name} is there already and somebody else's: it is used as it is, and can read the monitor's secrets"
    if stock.earlier.left:
        names = ", ".join(stock.earlier.left)
        yield f"{stock.earlier_script}: {names} is not taken over; enter it in {places.SETTINGS}/monitor.env"
    for cron in stock.cron:
        for line in cron.found.left:
            yield f"{cron.path}: stays, because it does something else too, and runs the health check besides: {line}"
    if stock.free_memory_mb < NEEDED_MEMORY_MB:
        yield f"Only {stock.free_memory_mb} MB of memory are free; the monitor takes about 60, the ML server about 300"
