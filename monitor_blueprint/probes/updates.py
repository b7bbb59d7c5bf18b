"""Security updates that are waiting to be installed (Debian and Ubuntu)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from monitor_blueprint.adapters import command
from monitor_blueprint.domain.models import ProbeError, Reading, Scalar, Status
from monitor_blueprint.domain.text import configured, fill, private
from monitor_blueprint.faults import reason_of
from monitor_blueprint.options import Count, Positive, Text
from monitor_blueprint.probes import Observation, ProbeContext

# The guide's checklist has it monthly; a week is soon enough to be in time for that.
DEFAULT_INTERVAL_S = 7 * 86400.0
DAY_S = 86400.0

# "Inst openssl [3.0.19] (3.0.22 Debian-Security:12/stable-security [amd64])": what `apt-get -s` would install.
_INSTALL = re.compile(r"^Inst (?P<name>\S+) .*?\(\S+ (?P<origin>.*?)\)")
_SECURITY = re.compile(r"-security\b|Debian-Security|UbuntuESM")


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What [[check]] of kind "updates" may say.

    Attributes:
        warning: as many waiting security updates are a WARNING; they are never CRITICAL.
        lists_days: package lists older than this know nothing of new updates, which is a WARNING too.
        lists: where apt keeps its lists.
        reboot_required: file that says that an installed update waits for a reboot.
    """

    warning: Count = 1
    lists_days: Positive = 7.0
    lists: Text = "/var/lib/apt/lists"
    reboot_required: Text = "/run/reboot-required"


def is_possible(options: Options) -> bool:
    """Tell whether apt is the package manager here."""
    return command.is_installed("apt-get") and Path(options.lists).is_dir()


def probe(options: Options, context: ProbeContext) -> Observation:
    """Simulate an upgrade, which changes nothing and needs no lock, and count what comes from a security archive."""
    # Debug::NoLocking: apt-get(8) takes locks even for a simulation when root runs it.
    output = command.run(["apt-get", "-s", "-qq", "-o", "Debug::NoLocking=true", "dist-upgrade"], context.deadline)
    if output.code:
        raise ProbeError(fill("apt-get: exit code {code}", code=output.code), private(output.errors))
    names = security_updates(output.text.split("\n"))
    facts: dict[str, Scalar] = {
        "count": len(names),
        "most": options.warning,
        "packages_text": private(", ".join(names)),
        "needs_reboot": Path(options.reboot_required).exists(),
    }
    status = Status.WARNING if len(names) >= options.warning else Status.OK
    pending = Reading("pending", status, value=float(len(names)), facts=facts)
    return Observation((pending, _lists(options, context.now.timestamp())))


def security_updates(lines: Iterable[str]) -> list[str]:
    """Return the names of the packages that come from a security archive."""
    found = [match for match in map(_INSTALL.match, lines) if match]
    return [match["name"] for match in found if _SECURITY.search(match["origin"])]


def _lists(options: Options, now: float) -> Reading:
    # apt moves each list from `partial` when it has fetched it.
    folders = (Path(options.lists), Path(options.lists) / "partial")
    try:
        days = (now - max(folder.stat().st_mtime for folder in folders if folder.exists())) / DAY_S
    except (OSError, ValueError) as error:
        raise ProbeError(fill("{path}: {reason}", path=configured(options.lists), reason=reason_of(error))) from error
    status = Status.WARNING if days >= options.lists_days else Status.OK
    return Reading(
        "lists", status, value=round(max(days, 0), 1), unit="d", facts={"days": int(days), "limit_days": options.lists_days}
    )
