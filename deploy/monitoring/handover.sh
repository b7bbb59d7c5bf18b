#!/usr/bin/env bash
# Replaces the running gunicorn of a unit by the one that /opt/neuronova/current now points to, without refusing a
# request: a second master with the same socket is started beside the first, and the first is asked to finish what
# it is doing only when the second is ready. If the second does not get ready, the first just goes on.
#
#   sudo bash handover.sh gunicorn_flask
set -euo pipefail

unit=$1
ready_within_s=90
finish_within_s=60

main_pid() { systemctl show -p MainPID --value "$unit"; }

# Prints the second master, a child of the first that was told so by gunicorn; its workers are children of its own.
second_master() {
    local pid
    for pid in $(ps -o pid= --ppid "$first"); do
        if tr '\0' '\n' < "/proc/$pid/environ" 2> /dev/null | grep -qx "GUNICORN_PID=$first"; then
            printf '%s\n' "$pid"
            return
        fi
    done
}

first=$(main_pid)
if [ "$first" = 0 ]; then
    echo "$unit is not running; start it with: systemctl start $unit" >&2
    exit 1
fi
kill -USR2 "$first"

# The status says which master the worker belongs to that was ready last.
end=$((SECONDS + ready_within_s))
second=""
while [ -z "$second" ] || [[ "$(systemctl show -p StatusText --value "$unit")" != *"(master $second)"* ]]; do
    seen=$(second_master)
    if [ -n "$second" ] && [ -z "$seen" ] || [ "$SECONDS" -ge "$end" ]; then
        [ -z "$seen" ] || kill -TERM "$seen"
        echo "$unit: the new gunicorn did not get ready; the one before goes on. journalctl -u $unit -n 50 says why." >&2
        exit 1
    fi
    second=$seen
    sleep 0.2
done

kill -TERM "$first"
end=$((SECONDS + finish_within_s))
while [ -e "/proc/$first" ]; do
    if [ "$SECONDS" -ge "$end" ]; then
        echo "$unit: the old gunicorn, process $first, did not finish within $finish_within_s s and was killed." >&2
        kill -KILL "$first" || true
        break
    fi
    sleep 0.2
done
end=$((SECONDS + 5))
while [ "$(main_pid)" != "$second" ] && [ "$SECONDS" -lt "$end" ]; do sleep 0.2; done
if [ "$(main_pid)" != "$second" ]; then
    echo "$unit: the old gunicorn is gone, but systemd does not know the new one, process $second." >&2
    exit 1
fi
echo "$unit: process $second has taken over from $first"
