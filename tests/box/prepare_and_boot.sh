#!/usr/bin/env bash
# Boots the tree $1 in this process; the rest of the arguments go to systemd-nspawn. It is run in a mount namespace
# of its own: a machine whose process 1 is not systemd may lack the two cgroup mounts that a booted systemd needs.
set -euo pipefail

tree=$1
shift
if [ "$(stat -f -c %T /sys/fs/cgroup)" = tmpfs ]; then
    mkdir -p /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
    mountpoint -q /sys/fs/cgroup/systemd || mount -t cgroup -o none,name=systemd,xattr cgroup /sys/fs/cgroup/systemd
    mountpoint -q /sys/fs/cgroup/unified || mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
    # A group of its own: two boxes that run at the same time would share those of their units.
    for hierarchy in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
        find "$hierarchy" -depth -path "$hierarchy/box-*" -type d -exec rmdir {} + 2> /dev/null || true
        mkdir -p "$hierarchy/box-$$"
        echo $$ > "$hierarchy/box-$$/cgroup.procs"
    done
elif [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
exec systemd-nspawn --quiet --boot --register=no --keep-unit --private-network --console=pipe --directory="$tree" "$@"
