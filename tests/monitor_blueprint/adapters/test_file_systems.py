from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor_blueprint.adapters.file_systems import (
    FileSystem,
    Mount,
    as_seen_by_all,
    has_device,
    is_device,
    look,
    look_at_device,
    mounts_of_device,
    parse,
    used_percent,
)

# A unit with ProtectSystem=strict, ProtectHome=read-only, PrivateTmp=yes and ReadWritePaths= on a server with a second disk.
SANDBOX = """\
700 600 254:1 / / ro,relatime shared:1 master:1 - ext4 /dev/vda1 rw,errors=remount-ro
701 700 0:5 / /dev rw,nosuid - tmpfs tmpfs rw,size=4096k
702 700 254:1 /home /home ro,relatime master:1 - ext4 /dev/vda1 rw,errors=remount-ro
703 700 254:1 /var/log/neuronova /var/log/neuronova rw,relatime master:1 - ext4 /dev/vda1 rw,errors=remount-ro
704 700 254:1 /tmp/systemd-private-0a1b-gunicorn_monitor.service-Xy12/tmp /tmp rw master:1 - ext4 /dev/vda1 rw
705 700 0:40 / /var/tmp rw - tmpfs tmpfs rw
706 705 0:40 /systemd-private-0a1b-gunicorn_monitor.service-Xy12/tmp /var/tmp rw - tmpfs tmpfs rw
707 700 254:17 / /srv/my\\040data ro,relatime - xfs /dev/vdb1 rw
708 700 254:17 /pictures /srv/pictures ro,relatime - xfs /dev/vdb1 rw
709 707 254:17 /inner /srv/my\\040data/inner rw,relatime - xfs /dev/vdb1 rw
710 700 0:50 /@data /mnt/btrfs rw - btrfs /dev/vdc ro
711 700 0:51 / /mnt/nothing rw - tmpfs  rw
"""
CONTAINER = """\
1200 1100 0:95 / / rw,relatime master:400 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A:/l/B,upperdir=/u,workdir=/w
1201 1200 0:98 / /proc rw,nosuid - proc proc rw
1202 1200 254:1 /var/lib/docker/containers/1/hosts /etc/hosts rw,relatime - ext4 /dev/vda1 rw,discard
"""


def mounts(text: str = SANDBOX) -> dict[int, Mount]:
    return {mount.id: mount for mount in map(parse, text.splitlines())}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with udev, two disks with partitions, and a btrfs."""
    for name, text in {
        "proc/self/mountinfo": SANDBOX,
        "sys/dev/block/254:1/uevent": "MAJOR=254\nMINOR=1\nDEVNAME=vda1\n",
        "sys/dev/block/254:17/uevent": "MAJOR=254\nMINOR=17\nDEVNAME=vdb1\nDEVTYPE=partition\n",
        "run/udev/data/b254:17": "S:disk/by-uuid/3f0c\nS:disk/by-label/data\nI:1\nE:ID_FS_UUID=3f0c\n",
        "sys/class/block/vdc/uevent": "DEVNAME=vdc\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    return tmp_path


def test_a_line_is_read() -> None:
    assert mounts()[707] == Mount(707, 700, "254:17", "/", "/srv/my data", "xfs", "/dev/vdb1", is_read_only=False)
    assert mounts()[710].is_read_only
    assert (mounts()[711].source, mounts()[711].type) == ("", "tmpfs")


@pytest.mark.parametrize(
    ("number", "target"),
    [
        (702, "/"),
        (703, "/"),
        (704, "/"),
        (706, "/var/tmp"),
        (700, "/"),
        (707, "/srv/my data"),
        (708, "/srv/pictures"),
        (710, "/mnt/btrfs"),
    ],
)
def test_own_sandbox_is_seen_through(number: int, target: str) -> None:
    """What a directory is bound to itself for concerns the monitor alone; what is bound elsewhere is a mount."""
    assert as_seen_by_all(mounts()[number], mounts()).target == target


def test_container_is_seen_as_it_is() -> None:
    found = mounts(CONTAINER)
    assert [as_seen_by_all(mount, found).target for mount in found.values()] == ["/", "/proc", "/etc/hosts"]
    assert not found[1200].is_read_only


@pytest.mark.parametrize("name", ["/dev/vdb1", "/dev/disk/by-uuid/3f0c", "/dev/disk/by-label/data"])
def test_device_has_many_names(name: str, root: Path) -> None:
    """The sandbox has no /dev: udev knows the links. The whole of the device comes before a part."""
    assert [mount.target for mount in mounts_of_device(name, root)] == ["/srv/my data", "/srv/pictures", "/srv/my data/inner"]


def test_unmounted_device_is_nowhere(root: Path) -> None:
    assert mounts_of_device("/dev/vdd", root) == []
    assert mounts_of_device("/dev/vdb1", root / "elsewhere") == []
    with pytest.raises(OSError, match="not mounted"):
        look_at_device("/dev/nothing-of-the-kind")


def test_device_that_is_gone(root: Path) -> None:
    assert [has_device(mounts()[number], root) for number in (707, 710, 711)] == [True, True, False]
    (root / "sys/dev/block/254:17/uevent").unlink()
    (root / "sys/dev/block/254:17").rmdir()
    assert not has_device(mounts()[707], root)


def test_device_or_directory() -> None:
    assert [is_device(path) for path in ("/dev/vdz1", "/dev/null", "/dev/shm", "/dev", "/")] == [True, True, False, False, False]


def test_root_is_mounted() -> None:
    found = look("/")
    assert found.mount is not None
    assert (found.mount.target, found.total_bytes > 0) == ("/", True)


def test_a_file_lies_on_a_file_system() -> None:
    here, beside = look(__file__), look(str(Path(__file__).parent))
    assert here.mount == beside.mount
    assert here.total_bytes == beside.total_bytes


def test_file_systems_are_as_full_as_df_says() -> None:
    """Every one that is mounted here, to the percent, in blocks and in inodes."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        path = line.split()[1]
        if "\\" in path or not Path(path).is_dir():
            continue
        while True:
            before = look(path)
            argv = ["df", "--output=pcent,ipcent", path]
            shown = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()[1]
            if _figures(look(path)) == _figures(before):
                # Nobody has written anything in between.
                break
        usage = before.usage
        blocks = used_percent(before.used_bytes, before.available_bytes)
        inodes = used_percent(usage.f_files - usage.f_ffree, usage.f_ffree)
        for seen, said in zip((blocks, inodes), shown.split(), strict=True):
            assert said in (f"{seen}%", "-"), (path, shown)


def _figures(found: FileSystem) -> tuple[int, ...]:
    return (found.used_bytes, found.available_bytes, found.usage.f_files, found.usage.f_ffree)


@pytest.mark.parametrize(
    ("used", "available", "percent"),
    [(0, 0, 0), (0, 10, 0), (1, 999, 1), (80, 20, 80), (8001, 1999, 81), (8999, 1001, 90), (10, 0, 100)],
)
def test_percent_is_rounded_up(used: int, available: int, percent: int) -> None:
    assert used_percent(used, available) == percent


@given(st.integers(0, 2**70), st.integers(0, 2**70))
def test_percent_is_never_below_the_truth(used: int, available: int) -> None:
    """However large: only an empty one has 0 %, and only a full one has no room below 100 %."""
    percent = used_percent(used, available)
    assert 100 * used <= percent * (used + available)
    assert (percent - 1) * (used + available) < 100 * used or percent == 0


def test_descriptors_are_given_back() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    look("/")
    with pytest.raises(FileNotFoundError):
        look("/no/such/place")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
