#!/usr/bin/env bash
# Installs, upgrades and removes NeuroNova's ML server and monitor on Debian 12 and Ubuntu 24.04.
#
#   sudo bash setup_monitoring.sh                 install, or upgrade to the version this script came with
#   sudo bash setup_monitoring.sh --dry-run       say what would be done, change nothing
#   sudo bash setup_monitoring.sh --uninstall     remove the programs; settings, logs and history stay
#   sudo bash setup_monitoring.sh --uninstall --purge    remove those too
#
# It may be run again at any time: what is in order stays as it is, and no settings file is ever overwritten.
set -Eeuo pipefail

source_tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
home=/opt/neuronova
settings=/etc/neuronova
state=/var/lib/neuronova
logs=/var/log/neuronova
# The defaults as last shipped: what tells a changed default from a changed setting.
shipped="$home/defaults"
# Where to go back to: it is there while a switch is going on, and after one that was killed.
unfinished="$home/switching-from"
units=(gunicorn_flask.service gunicorn_monitor.service neuronova-deadman.service neuronova-deadman.timer)
commands=(neuronova-health-check neuronova-monitor)
completion=/usr/share/bash-completion/completions
kept_releases=3
ml_health=http://127.0.0.1:9000/health
monitor_health=http://127.0.0.1:9001/health
needed_mb=1200

is_dry_run=no
is_purge=no
action=install
step_title="Start"
remedy=""
work=""
previous=""
release=""
is_switched=no
# Which release the running processes are of.
ml_runs=""
monitor_runs=""

# --- what is said ---------------------------------------------------------------------------------------------------

say() { printf '    %s\n' "$*"; }

# die WHY REMEDY
die() {
    remedy=$2
    printf '    %s\n' "$1" >&2
    return 1
}

# step TITLE FUNCTION [PREVIEW]: the title says what is done; a dry run says no more than that and the preview.
step() {
    step_title=$1
    remedy=""
    printf '==> %s\n' "$1"
    if [ "$is_dry_run" = no ]; then
        "$2"
    elif [ $# -gt 2 ]; then
        "$3"
    fi
}

# quietly COMMAND...: what it prints is shown only if it fails.
quietly() {
    if ! "$@" > "$work/output" 2>&1; then
        tail -n 25 "$work/output" | sed 's/^/    | /' >&2
        return 1
    fi
}

failed() {
    trap - ERR
    set +e
    printf '\nFAILED: %s\n' "$step_title" >&2
    [ -z "$remedy" ] || printf 'What to do: %s\n' "$remedy" >&2
    if [ "$is_switched" = yes ]; then
        roll_back
        # shellcheck disable=SC2181  # see there
        [ $? -eq 0 ] || exit 1
    elif [ -n "$previous" ]; then
        printf 'Nothing was switched: %s goes on running.\n' "$(basename "$previous")" >&2
    else
        printf 'Nothing was running before and nothing is running now. Run this script again when it is put right.\n' >&2
    fi
    # What failed takes no place among the releases that are kept.
    if [ -n "$release" ] && [ "$release" != "$(current_release)" ]; then rm -rf "$release"; fi
    exit 1
}

# --- small questions ------------------------------------------------------------------------------------------------

current_release() {
    if [ -L "$home/current" ]; then readlink -f "$home/current"; fi
}

is_installed_package() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2> /dev/null || true)" = installed ]; }

# Prints the HTTP status of a GET, 000 when there is no answer.
http_status() {
    python3 - "$1" << 'PY'
import sys, urllib.error, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    print(opener.open(sys.argv[1], timeout=5).status)
except urllib.error.HTTPError as error:
    print(error.code)
except OSError:
    print("000")
PY
}

# wait_for_status SECONDS REGEX URL
wait_for_status() {
    local end=$((SECONDS + $1))
    until [[ $(http_status "$3") =~ ^($2)$ ]]; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.3
    done
}

# As the monitor's user, with its settings; nothing secret is on the command line.
as_monitor() {
    systemd-run --quiet --pipe --wait --collect \
        -p User=neuronova -p EnvironmentFile="$settings/monitor.env" -p WorkingDirectory="$home" \
        --setenv=NEURONOVA_CONFIG="$settings/monitor.toml" "$@" < /dev/null
}

# --- install: before anything is changed -----------------------------------------------------------------------------

code_items() {
    (
        cd "$source_tree"
        find app.py wsgi.py pyproject.toml requirements.txt README.md README.ko.md CHANGELOG.md \
            ml_server monitor_blueprint systemd deploy examples \
            -type f ! -path '*/__pycache__/*' ! -path '*/.venv/*' ! -path '*.sqlite3' -print0 | LC_ALL=C sort -z
    )
}

# Version and content: the same tree is the same release, and a new Python of the system makes a new one.
release_name() {
    local version digest
    version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source_tree/pyproject.toml" | head -n 1)
    digest=$( (python3 --version; cd "$source_tree"; code_items | xargs -0 sha256sum) | sha256sum | cut -c 1-12)
    printf '%s-%s\n' "$version" "$digest"
}

check_the_machine() {
    if [ ! -d /run/systemd/system ]; then
        die "systemd does not run this machine." "Run it on the server itself, not in a plain container."
    fi
    if ! command -v apt-get > /dev/null; then
        die "This is neither Debian nor Ubuntu." "Debian 12 and Ubuntu 24.04 are supported."
    fi
    if [ ! -f "$source_tree/requirements.txt" ] || [ ! -d "$source_tree/ml_server" ]; then
        die "$source_tree is not a whole NeuroNova tree." "Copy the whole directory to the server and run it from there."
    fi
    local free_mb
    free_mb=$(df --output=avail -m "$(dirname "$home")" | tail -n 1 | tr -d ' ')
    if [ "$free_mb" -lt "$needed_mb" ]; then
        die "$(dirname "$home") has $free_mb MB free, $needed_mb MB are needed." "Free some space and run this again."
    fi
}

# --- install: the steps ------------------------------------------------------------------------------------------------

missing_packages() {
    local package
    for package in python3 python3-venv dbus logrotate procps ca-certificates; do
        is_installed_package "$package" || printf '%s\n' "$package"
    done
}

preview_packages() {
    local missing
    missing=$(missing_packages | tr '\n' ' ')
    say "${missing:+Missing: }${missing:-All are there}"
}

install_packages() {
    local missing
    mapfile -t missing < <(missing_packages)
    if [ ${#missing[@]} -gt 0 ]; then
        say "Installing ${missing[*]}"
        remedy="Look at the lines above; 'sudo apt-get update' and a network connection usually put it right. Where it
says 'Could not get lock', the system is updating itself: run this again when that is over."
        # Ubuntu's needrestart would restart Nginx, Django and others for it; it comes to them at the next update.
        export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
        quietly apt-get update -q
        quietly apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}"
    fi
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        die "$(python3 --version) is too old; 3.11 is needed." "Use Debian 12 or Ubuntu 24.04, or newer."
    fi
}

make_users_and_directories() {
    local user
    for user in neuronova neuronova-ml; do
        if ! getent passwd "$user" > /dev/null; then
            quietly useradd --system --user-group --home-dir /nonexistent --no-create-home \
                --shell /usr/sbin/nologin --comment "NeuroNova" "$user"
            say "User $user"
        fi
    done
    install -d -m 0755 "$home" "$home/releases"
    install -d -m 0755 "$settings"
    install -d -m 0750 -o neuronova -g neuronova "$state"
    install -d -m 0755 -o neuronova -g neuronova "$logs"
    # An earlier version, run by cron, may have left files of root there.
    chown -R neuronova:neuronova "$state" "$logs"
}

preview_release() {
    if [ -e "$release/.complete" ]; then say "It is there already"; else say "New"; fi
}

build_release() {
    remedy="Look at the lines above; a network connection, or a package index named in /etc/pip.conf, is needed."
    if [ -e "$release/.complete" ]; then
        say "$(basename "$release") is there already"
        return
    fi
    rm -rf "$release"
    install -d -m 0755 "$release" "$release/code"
    code_items | tar -C "$source_tree" --owner=0 --group=0 --mode='u+rw,go-w,a+rX' --no-recursion \
        --null --files-from=- -cf - | tar -C "$release/code" -xf -
    # Where it will stay: an environment cannot be moved.
    quietly python3 -m venv "$release/venv"
    quietly "$release/venv/bin/python" -m pip install --disable-pip-version-check --no-input \
        --require-hashes --only-binary :all: -r "$release/code/requirements.txt"
    # The code is found wherever Python is started, and by its real path: a process that was started by way of
    # `current` keeps importing from its own release after `current` has moved on.
    local packages
    packages=$("$release/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    printf '%s\n' "$release/code" \
        'import os, sys; sys.path[:] = [os.path.realpath(path) for path in sys.path]' > "$packages/neuronova.pth"
    remedy="$source_tree is damaged; copy it to the server again."
    quietly "$release/venv/bin/python" -m compileall -q "$release/code"
    chmod -R go-w,a+rX "$release"
    touch "$release/.complete"
    say "$(basename "$release")"
}

new_secret() { python3 -c 'import secrets; print(secrets.token_urlsafe(32))'; }

# Prints what an older, hand-edited health-check script had for a setting.
earlier_setting() {
    local script=/usr/local/bin/neuronova-health-check
    if [ -f "$script" ] && ! grep -q monitor_blueprint "$script"; then
        sed -n "s/^$1=[\"']\{0,1\}\([^\"']*\)[\"']\{0,1\}[[:space:]]*\$/\1/p" "$script" | head -n 1
    fi
}

# set_in FILE NAME VALUE: by way of the environment, so that no value is seen in the list of processes.
set_in() {
    NAME=$2 VALUE=$3 python3 - "$1" << 'PY'
import os, re, sys
path, name, value = sys.argv[1], os.environ["NAME"], os.environ["VALUE"]
text = open(path, encoding="utf-8").read()
text = re.sub(rf"^{name}=.*$", lambda _match: f'{name}="{value}"', text, count=1, flags=re.M)
# In one step: whatever comes in between, the settings are there, before or after.
known = os.stat(path)
with open(os.open(f"{path}.part", os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
    file.write(text)
os.chown(f"{path}.part", known.st_uid, known.st_gid)
os.chmod(f"{path}.part", known.st_mode & 0o7777)
os.replace(f"{path}.part", path)
PY
}

preview_settings() {
    local file
    for file in monitor.toml monitor.env ml_server.env; do
        if [ -e "$settings/$file" ]; then say "$settings/$file: yours, unchanged"; else say "$settings/$file: new"; fi
    done
}

install_settings() {
    local defaults="$release/code/deploy/monitoring" file api_key
    install -d -m 0755 "$shipped"
    for file in monitor.toml monitor.env ml_server.env; do
        if [ ! -e "$settings/$file" ]; then
            install -m 0640 -o root -g neuronova "$defaults/$file" "$settings/$file"
            say "$settings/$file: new"
        elif [ -e "$shipped/$file" ] && ! cmp -s "$shipped/$file" "$defaults/$file"; then
            install -m 0640 -o root -g neuronova "$defaults/$file" "$settings/$file.new"
            say "$settings/$file: yours, unchanged. The default has changed; it is in $settings/$file.new:"
            diff -u --label "default until now" --label "default from now on" "$shipped/$file" "$defaults/$file" \
                | sed 's/^/    | /' || true
        else
            say "$settings/$file: yours, unchanged"
        fi
        install -m 0644 "$defaults/$file" "$shipped/$file"
    done

    # Secrets are made once; ML server and monitor share the key.
    api_key=$(sed -n 's/^ML_API_KEY="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$settings/ml_server.env")
    if [ "$api_key" = generate ]; then
        api_key=$(new_secret)
        set_in "$settings/ml_server.env" ML_API_KEY "$api_key"
        say "ML_API_KEY: generated, in $settings/ml_server.env"
    fi
    if grep -q '^ML_API_KEY="generate"$' "$settings/monitor.env"; then
        set_in "$settings/monitor.env" ML_API_KEY "$api_key"
    fi
    if grep -q '^MONITOR_ADMIN_TOKEN="generate"$' "$settings/monitor.env"; then
        set_in "$settings/monitor.env" MONITOR_ADMIN_TOKEN "$(new_secret)"
        say "MONITOR_ADMIN_TOKEN: generated, in $settings/monitor.env"
    fi
    local name value
    for name in ALERT_EMAIL SLACK_WEBHOOK; do
        value=$(earlier_setting "$name")
        if [ -n "$value" ] && grep -q "^$name=\"\"\$" "$settings/monitor.env"; then
            set_in "$settings/monitor.env" "$name" "$value"
            say "$name: taken over from the earlier /usr/local/bin/neuronova-health-check"
        fi
    done

    # For Nginx, which reads it as root: the token stays on the server.
    value=$(sed -n 's/^MONITOR_ADMIN_TOKEN="\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$settings/monitor.env")
    (umask 077 && printf 'proxy_set_header Authorization "Bearer %s";\n' "$value" > "$settings/nginx_admin_token.conf")
}

check_release() {
    remedy="Correct $settings/monitor.toml or monitor.env as the line above says, then run this again."
    quietly as_monitor "$release/venv/bin/python" -m monitor_blueprint.cli check-config
    say "Settings of the monitor: in order"

    remedy="Look at the lines above. Settings of the ML server are in $settings/ml_server.env."
    quietly systemd-run --quiet --pipe --wait --collect \
        -p User=neuronova-ml -p EnvironmentFile="$settings/ml_server.env" -p WorkingDirectory="$home" \
        --setenv=PYTHONDONTWRITEBYTECODE=1 "$release/venv/bin/python" -m ml_server.check < /dev/null
    say "Settings of the ML server, and its models: loaded and tested"
}

# install_system_files RELEASE
install_system_files() {
    local from="$1/code" unit command
    unit=gunicorn_flask.service
    if systemctl is-active --quiet "$unit" && ! cmp -s "$from/systemd/$unit" "/etc/systemd/system/$unit"; then
        say "$unit has changed; its new limits apply from the next 'systemctl restart gunicorn_flask' on"
    fi
    for unit in "${units[@]}"; do
        install -m 0644 "$from/systemd/$unit" "/etc/systemd/system/$unit"
    done
    install -m 0644 "$from/deploy/logrotate/neuronova" /etc/logrotate.d/neuronova
    # The first run takes note of the files and rotates nothing; the monitor looks whether the rotation runs.
    quietly logrotate --wait-for-state-lock /etc/logrotate.d/neuronova
    if [ -f /usr/local/bin/neuronova-health-check ] && ! grep -q monitor_blueprint /usr/local/bin/neuronova-health-check; then
        install -m 0640 /usr/local/bin/neuronova-health-check "$settings/neuronova-health-check.old"
        say "The earlier neuronova-health-check is kept as $settings/neuronova-health-check.old"
    fi
    for command in "${commands[@]}"; do
        install -m 0755 "$from/deploy/monitoring/$command" "/usr/local/bin/$command"
    done
    install -d -m 0755 "$completion"
    install -m 0644 "$from/deploy/monitoring/completion.bash" "$completion/neuronova-monitor"
    ln -sfn neuronova-monitor "$completion/neuronova-health-check"
    quietly systemctl daemon-reload
}

remove_old_cron_jobs() {
    local user job='neuronova-health-check|deploy/monitoring/health_check\.sh'
    for user in root ${SUDO_USER:+"$SUDO_USER"}; do
        if command -v crontab > /dev/null && crontab -u "$user" -l 2> /dev/null | grep -Eq "$job"; then
            crontab -u "$user" -l | { grep -Ev "$job" || true; } | crontab -u "$user" -
            say "Removed from the crontab of $user: the monitor has a schedule of its own"
        fi
    done
    for job in /etc/cron.d/neuronova /etc/cron.d/neuronova-health-check; do
        if [ -e "$job" ]; then
            rm -f "$job"
            say "Removed $job: the monitor has a schedule of its own"
        fi
    done
}

# point_current_at RELEASE: in one step, so that it is never absent.
point_current_at() {
    ln -sfn "$1" "$home/current.new"
    mv -T "$home/current.new" "$home/current"
}

# start_services RELEASE: the ML server without refusing a request, the monitor by a restart.
start_services() {
    quietly systemctl enable gunicorn_flask gunicorn_monitor neuronova-deadman.timer
    if ! systemctl is-active --quiet gunicorn_flask; then
        quietly systemctl restart gunicorn_flask
    elif [ "$ml_runs" != "$1" ]; then
        quietly bash "$1/code/deploy/monitoring/handover.sh" gunicorn_flask
    fi
    ml_runs=$1
    if ! systemctl is-active --quiet gunicorn_monitor || [ "$monitor_runs" != "$1" ]; then
        monitor_runs=$1
        quietly systemctl restart gunicorn_monitor
    fi
    quietly systemctl start neuronova-deadman.timer
    wait_for_status 60 200 "$ml_health" || die "$ml_health does not answer 200." "journalctl -u gunicorn_flask -n 50"
    # 503 is an answer too: a monitor without a channel calls itself degraded.
    wait_for_status 60 '200|503' "$monitor_health" \
        || die "$monitor_health does not answer." "journalctl -u gunicorn_monitor -n 50"
}

switch_to_release() {
    remedy="journalctl -u gunicorn_flask -u gunicorn_monitor -n 50 says why it did not get ready."
    is_switched=yes
    printf '%s\n' "$previous" > "$unfinished"
    point_current_at "$release"
    install_system_files "$release"
    start_services "$release"
    rm -f "$unfinished"
    is_switched=no
}

roll_back() {
    if [ -z "$previous" ] || [ "$previous" = "$release" ]; then
        systemctl disable --quiet --now gunicorn_flask gunicorn_monitor neuronova-deadman.timer
        printf 'There is no earlier release to go back to, so the services are stopped.\n' >&2
        return 1
    fi
    printf 'Going back to %s ...\n' "$(basename "$previous")" >&2
    # As a condition, or before `||`, the parentheses would lose their `set -e`.
    (
        set -e
        point_current_at "$previous"
        install_system_files "$previous"
        start_services "$previous"
    )
    is_back=$?
    if [ "$is_back" -eq 0 ]; then
        rm -f "$unfinished"
        printf '%s is running.\n' "$(basename "$previous")" >&2
    else
        printf '%s does not run either. Look at: journalctl -u gunicorn_flask -u gunicorn_monitor -n 50\n' \
            "$(basename "$previous")" >&2
    fi
    return "$is_back"
}

remove_old_releases() {
    touch "$release"
    local old
    # What a run that was killed has left takes no place either.
    for old in "$home"/releases/*/; do
        [ -e "$old/.complete" ] || rm -rf "$old"
    done
    # shellcheck disable=SC2012  # the names are ours: version and digest
    ls -1dt "$home"/releases/*/ | tail -n +$((kept_releases + 1)) | while read -r old; do
        rm -rf "$old"
        say "Removed $(basename "$old")"
    done
}

show_health_check() {
    local code=0
    "/usr/local/bin/${commands[0]}" || code=$?
    case $code in
        0) say "Result 0: all is well." ;;
        1) say "Result 1: WARNING, logged only." ;;
        2) say "Result 2: CRITICAL; the lines with ERROR above say what." ;;
        *) say "Result $code: the state could not be found out; the lines above say why." ;;
    esac
}

# --- uninstall -----------------------------------------------------------------------------------------------------------

stop_services() {
    local unit
    for unit in neuronova-deadman.timer neuronova-deadman.service gunicorn_monitor.service gunicorn_flask.service; do
        if [ -e "/etc/systemd/system/$unit" ]; then
            systemctl disable --quiet --now "$unit" 2> /dev/null || systemctl stop "$unit" || true
        fi
    done
}

remove_programs() {
    local unit command
    for unit in "${units[@]}"; do
        rm -f "/etc/systemd/system/$unit"
    done
    for command in "${commands[@]}"; do
        rm -f "/usr/local/bin/$command" "$completion/$command"
    done
    rm -f /etc/logrotate.d/neuronova
    rm -rf "$home"
    systemctl daemon-reload
    systemctl reset-failed 'gunicorn_flask*' 'gunicorn_monitor*' 'neuronova-*' 2> /dev/null || true
}

remove_data() {
    rm -rf "$settings" "$state" "$logs" /etc/systemd/system/gunicorn_flask.service.d /etc/systemd/system/gunicorn_monitor.service.d
    local user
    for user in neuronova neuronova-ml; do
        if getent passwd "$user" > /dev/null; then quietly userdel "$user"; fi
    done
    local file
    # Nginx goes on with what it has read, but would not start again.
    { grep -RlsF "$settings/nginx_admin_token.conf" /etc/nginx || true; } | while read -r file; do
        say "$file includes $settings/nginx_admin_token.conf, which is gone: take that out, or Nginx will not start again"
    done
}

# --- the whole -------------------------------------------------------------------------------------------------------------

usage() { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

for argument in "$@"; do
    case $argument in
        --uninstall) action=uninstall ;;
        --purge) is_purge=yes ;;
        --dry-run) is_dry_run=yes ;;
        -h | --help) usage; exit 0 ;;
        *)
            printf 'Unknown option %s\n\n' "$argument" >&2
            usage >&2
            exit 64
            ;;
    esac
done
if [ "$is_purge" = yes ] && [ "$action" = install ]; then
    printf '%s\n' "--purge goes with --uninstall." >&2
    exit 64
fi
if [ "$(id -u)" -ne 0 ]; then
    printf 'This needs root: sudo bash %s %s\n' "$0" "$*" >&2
    exit 1
fi
umask 022
cd /

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
exec 9> /run/neuronova-setup.lock
if ! flock --nonblock 9; then
    printf 'Another setup_monitoring.sh is running. Wait for it to end, then run this again.\n' >&2
    exit 1
fi
previous=$(current_release)
ml_runs=$previous
monitor_runs=$previous
if [ -e "$unfinished" ]; then
    # Which of the two releases the processes are of is not known, and only the earlier one is known to run.
    earlier=$(cat "$unfinished")
    if [ -d "$earlier" ]; then previous=$earlier; fi
    ml_runs=""
    monitor_runs=""
fi

if [ "$action" = uninstall ]; then
    [ "$is_dry_run" = no ] || printf 'Dry run: nothing is changed.\n'
    step "Stop the services: ${units[*]}" stop_services
    step "Remove the programs: $home, the units, the commands ${commands[*]}, /etc/logrotate.d/neuronova" remove_programs
    if [ "$is_purge" = yes ]; then
        step "Remove settings, history, logs and users: $settings $state $logs" remove_data
    else
        printf 'Kept: %s %s %s (--uninstall --purge removes them)\n' "$settings" "$state" "$logs"
    fi
    exit 0
fi

trap failed ERR
printf '==> Check this machine\n'
step_title="Check this machine"
check_the_machine
[ "$is_dry_run" = no ] || printf 'Dry run: nothing is changed.\n'

step "Packages of the system: python3-venv, dbus, logrotate, procps, ca-certificates" install_packages preview_packages
release="$home/releases/$(release_name)"
if [ -n "$previous" ] && [ "$previous" != "$release" ]; then
    printf '    Running: %s. This one: %s.\n' "$(basename "$previous")" "$(basename "$release")"
fi
step "Users neuronova and neuronova-ml; directories $home $settings $state $logs" make_users_and_directories
step "Release $(basename "$release"): the code and its libraries, beside what is running" build_release preview_release
step "Settings in $settings: only what is missing" install_settings preview_settings
step "Check the settings and the models with the new release, before it is used" check_release
step "Units, commands, log rotation; switch to the new release" switch_to_release
step "Old cron jobs: removed, the monitor has a schedule of its own" remove_old_cron_jobs
step "Releases: the newest $kept_releases are kept" remove_old_releases
trap - ERR
step "One health check" show_health_check
if [ "$is_dry_run" = no ]; then
    printf '\nDone. Who is told: ALERT_EMAIL and SLACK_WEBHOOK in %s/monitor.env, then\n' "$settings"
    printf '  sudo neuronova-monitor check-config && sudo systemctl restart gunicorn_monitor && sudo neuronova-monitor test-alert\n'
fi
