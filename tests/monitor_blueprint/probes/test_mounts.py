"""File systems as objects: what is no longer mounted, read-only, gone or silent, on file systems that are really mounted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from monitor_blueprint.domain.models import CheckResult, Status
from monitor_blueprint.text import render
from tests.monitor_blueprint.probes.looking import NOW
from tests.monitor_blueprint.probes.machine import Look, Machine, booted

KINDS = ("disk", "inodes", "disk_trend")
WELL = {"disk": "usage", "inodes": "usage", "disk_trend": "trend"}


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with booted() as started:
        if started is None:
            pytest.skip("nothing may be mounted here")
        yield started


@pytest.fixture
def data(machine: Machine, tmp_path: Path) -> str:
    """A place at which a file system is mounted."""
    place = tmp_path / "data"
    place.mkdir()
    machine.run("mount", "-t", "tmpfs", "-o", "size=16m", "data", str(place))
    return str(place)


@pytest.fixture
def image(machine: Machine, tmp_path: Path) -> Path:
    """A disk with a file system, as a device can be made of it."""
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        pytest.skip("no loop device to be had")
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(16 * 1024 * 1024)
    machine.run("mkfs.ext4", "-q", str(image))
    return image


def say(kind: str, look: Look) -> list[str]:
    result = CheckResult("Data", kind, look.readings, NOW)
    return [render.line(result, reading) for reading in look.readings]


@pytest.mark.parametrize("kind", KINDS)
def test_lost_mount_is_critical(kind: str, machine: Machine, data: str) -> None:
    """A mount point with nothing on it shows no other's figures, until it is mounted again."""
    first = machine.look(kind, data)
    assert first.aspects == {WELL[kind]: "OK"}
    machine.run("umount", data)
    for _ in range(2):
        lost = machine.look(kind, data, first.checkpoint)
        assert lost.aspects == {"unmounted": "CRITICAL"}
        assert lost.checkpoint == first.checkpoint
    assert say(kind, lost)[0].startswith(f"파일 시스템 {data}: 마운트되어 있지 않음 (이전: 비공개, tmpfs) - 자세히: ")
    machine.run("mount", "-t", "tmpfs", "-o", "size=8m", "other", data)
    assert machine.look(kind, data, lost.checkpoint).aspects == {WELL[kind]: "OK"}


def test_directory_of_lost_mount_is_critical(machine: Machine, data: str) -> None:
    """What lies on a mount is lost with it, whether the directory is there underneath or not."""
    inside, below = Path(data, "in/side"), Path(data, "below")
    machine.run("mkdir", "-p", str(inside), str(below))
    first, other = machine.look("disk", str(inside)), machine.look("disk", str(below))
    machine.run("umount", data)
    below.mkdir()
    assert machine.look("disk", str(below), other.checkpoint).aspects == {"unmounted": "CRITICAL"}
    lost = machine.look("disk", str(inside), first.checkpoint)
    assert lost.aspects == {"access": "CRITICAL"}
    assert "접근할 수 없음 (경로가 없음)" in say("disk", lost)[0]


def test_plain_directory_may_be_mounted_over(machine: Machine, tmp_path: Path) -> None:
    """A directory on a larger file system is none of its own; what is mounted there later is missed from then on."""
    place = tmp_path / "log"
    place.mkdir()
    first = machine.look("disk", str(place))
    machine.run("mount", "-t", "tmpfs", "log", str(place))
    second = machine.look("disk", str(place), first.checkpoint)
    assert (first.aspects, second.aspects) == ({"usage": "OK"}, {"usage": "OK"})
    machine.run("umount", str(place))
    assert machine.look("disk", str(place), second.checkpoint).aspects == {"unmounted": "CRITICAL"}


def test_lost_bind_mount_is_critical(machine: Machine, data: str, tmp_path: Path) -> None:
    """The same device at a second place is missed there, though it is still at the first."""
    second = tmp_path / "second"
    second.mkdir()
    machine.run("mkdir", f"{data}/part")
    machine.run("mount", "--bind", f"{data}/part", str(second))
    at_first, at_second = machine.look("disk", data), machine.look("disk", str(second))
    assert at_second.aspects == {"usage": "OK"}
    machine.run("umount", str(second))
    assert machine.look("disk", str(second), at_second.checkpoint).aspects == {"unmounted": "CRITICAL"}
    assert machine.look("disk", data, at_first.checkpoint).aspects == {"usage": "OK"}


def test_directory_bound_to_itself_is_none(machine: Machine, tmp_path: Path) -> None:
    """What only the monitor's sandbox mounts is seen by nobody who looks from outside, and is no loss there."""
    place = tmp_path / "log"
    place.mkdir()
    machine.run("mount", "--bind", str(place), str(place))
    inside = machine.look("disk", str(place))
    machine.run("umount", str(place))
    assert machine.look("disk", str(place), inside.checkpoint).aspects == {"usage": "OK"}


@pytest.mark.parametrize("kind", KINDS)
def test_read_only_remount_is_critical(kind: str, machine: Machine, data: str) -> None:
    first = machine.look(kind, data)
    machine.run("mount", "-o", "remount,ro", data)
    again = machine.look(kind, data, first.checkpoint)
    assert again.aspects == {WELL[kind]: "OK", "read_only": "CRITICAL"}
    assert f"파일 시스템 {data}: 읽기 전용으로 바뀜 (비공개)" in say(kind, again)[1]
    machine.run("mount", "-o", "remount,rw", data)
    assert machine.look(kind, data, again.checkpoint).aspects == {WELL[kind]: "OK"}


def test_always_read_only_is_fine(machine: Machine, data: str) -> None:
    machine.run("mount", "-o", "remount,ro", data)
    first = machine.look("disk", data)
    assert (first.aspects, machine.look("disk", data, first.checkpoint).aspects) == ({"usage": "OK"}, {"usage": "OK"})


def test_sandbox_makes_nothing_read_only(machine: Machine, data: str) -> None:
    """A mount that is read-only for the monitor alone says nothing of the file system."""
    first = machine.look("disk", data)
    machine.run("mount", "-o", "remount,bind,ro", data)
    assert machine.look("disk", data, first.checkpoint).aspects == {"usage": "OK"}


def test_device_means_its_file_system(machine: Machine, image: Path, tmp_path: Path) -> None:
    """A device, by any of its names, is where it is mounted; one that is not mounted any more is critical."""
    place, link = tmp_path / "data", tmp_path / "by-uuid"
    place.mkdir()
    machine.run("mount", "-o", "loop", str(image), str(place))
    device = next(line.split()[0] for line in _mounts_of(machine) if line.split()[1] == str(place))
    link.symlink_to(device)
    by_place, by_device = machine.look("disk", str(place)), machine.look("disk", device)
    assert by_device.readings[0].value == by_place.readings[0].value
    assert by_device.readings[0].facts["total_bytes"] == by_place.readings[0].facts["total_bytes"]
    assert say("disk", by_device)[0].startswith(f"디스크 사용량 ({device}): ")
    machine.run("umount", str(place))
    lost = machine.look("disk", device, by_device.checkpoint)
    assert lost.aspects == {"unmounted": "CRITICAL"}
    assert f"(이전: {device}, ext4)" in say("disk", lost)[0]


def test_unmounted_device_cannot_be_seen(machine: Machine) -> None:
    """A device that was never mounted is no fault of its file system's: it has none."""
    found = machine.look("disk", "/dev/null")
    assert (found.readings, found.reason) == ((), "/dev/null: not mounted")
    assert machine.look("inodes", "/dev/disk/by-uuid/none").reason == "/dev/disk/by-uuid/none: not mounted"


def test_other_disk_at_the_place_is_fine(machine: Machine, image: Path, data: str) -> None:
    """Another disk is a new disk; memory in a disk's place is a disk that is missing."""
    machine.run("umount", data)
    machine.run("mount", "-o", "loop", str(image), data)
    first = machine.look("disk", data)
    machine.run("umount", data)
    machine.run("mount", "-t", "tmpfs", "-o", "size=8m", "none", data)
    lost = machine.look("disk", data, first.checkpoint)
    assert lost.aspects == {"replaced": "CRITICAL"}
    assert "(ext4 대신 tmpfs)" in say("disk", lost)[0]
    machine.run("umount", data)
    machine.run("mkfs.ext2", "-q", "-F", str(image))
    machine.run("mount", "-o", "loop", str(image), data)
    assert machine.look("disk", data, lost.checkpoint).aspects == {"usage": "OK"}


def test_hidden_mount_is_not_looked_at(machine: Machine, data: str) -> None:
    """What is mounted over is not there, whatever the list of mounts says."""
    machine.run("mkdir", f"{data}/deep")
    machine.run("mount", "-t", "tmpfs", "deep", f"{data}/deep")
    first = machine.look("disk", f"{data}/deep")
    machine.run("mount", "-t", "tmpfs", "over", data)
    machine.run("mkdir", f"{data}/deep")
    assert machine.look("disk", f"{data}/deep", first.checkpoint).aspects == {"unmounted": "CRITICAL"}


def test_full_disk_stays_told_until_there_is_room(machine: Machine, data: str) -> None:
    """From the warning to the recovery, on a disk that fills up, stays full for ten hours, and is cleared."""
    checkpoint: Mapping[str, Any] = {}
    said: list[tuple[str, Status]] = []
    for minutes in range(0, 20 * 60, 5):
        full = min(16.0, minutes / 30) if minutes < 18 * 60 else 4.0
        machine.run("truncate", "--size=0", f"{data}/file")
        if full:
            machine.run("fallocate", f"--length={int(full * 1024 * 1024)}", f"{data}/file")
        seen = machine.look("disk_trend", data, checkpoint, minutes * 60.0)
        checkpoint = seen.checkpoint
        told = (seen.readings[0].aspect, seen.readings[0].status)
        if not said or said[-1] != told:
            said.append(told)
            if told[0] == "full":
                assert say("disk_trend", seen)[0].startswith(
                    f"디스크 증가 추세 ({data}): 더 늘지 않지만 아직 빈 공간이 없음 (여유 0.0%)"
                )
    assert said == [
        ("trend", Status.OK),
        ("trend", Status.WARNING),
        ("trend", Status.CRITICAL),
        ("full", Status.CRITICAL),
        ("trend", Status.OK),
    ]


def test_silent_file_system_holds_one_thread(machine: Machine, tmp_path: Path) -> None:
    """Who hangs in the kernel is unknown, and is not looked at again, round after round."""
    if not os.access("/dev/fuse", os.W_OK):
        pytest.skip("no FUSE here")
    place = tmp_path / "silent"
    place.mkdir()
    machine.mount_silent(str(place))
    looks = [machine.look_by_runner("disk", str(place), 2.0) for _ in range(3)]
    assert [look.aspects for look in looks] == [{"probe": "UNKNOWN"}] * 3
    # Its own, and the main one.
    assert [look.threads for look in looks] == [2, 2, 2]
    machine.release_silent()
    look = machine.look_by_runner("disk", str(place), 60.0)
    assert "ENOTCONN" in str(look.readings) or "not connected" in str(look.readings)


def test_dead_file_system_is_critical(machine: Machine, data: str, tmp_path: Path) -> None:
    """A file system whose program has died was there, and is broken."""
    if not os.access("/dev/fuse", os.W_OK):
        pytest.skip("no FUSE here")
    first = machine.look("disk", data)
    machine.mount_silent(data)
    machine.release_silent()
    dead = machine.look("disk", data, first.checkpoint)
    assert dead.aspects == {"access": "CRITICAL"}
    assert "파일 시스템 프로그램이 죽음 (ENOTCONN)" in say("disk", dead)[0]


def _mounts_of(machine: Machine) -> list[str]:
    return Path(f"/proc/{machine.pid}/mounts").read_text().splitlines()
