#!/usr/bin/env bash
# Installs this Django site as the service gunicorn_django. Run it as root, again after every change.
# A gunicorn_django that runs something else is somebody's site: it is left alone, and nothing is changed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
site=/srv/neuronova-django
state=/var/lib/neuronova-django
settings=/etc/neuronova-django.env
account=neuronova-django

refuse() {
    printf '%s\nNothing was changed.\n' "$1" >&2
    exit 1
}

unit_property() {
    systemctl show --property="$1" --value gunicorn_django
}

# Prints the value of a setting of NeuroNova's own files, or nothing where it is not installed.
neuronova_setting() {
    if [ -r "/etc/neuronova/$1" ]; then
        sed -n "s/^$2=\"\{0,1\}\([^\"]*\)\"\{0,1\}$/\1/p" "/etc/neuronova/$1" | tail -n 1
    fi
}

[ "$(id -u)" -eq 0 ] || refuse "This installs a service; run it as: sudo bash $0"

case "$(unit_property LoadState) $(unit_property ExecStart)" in
    "not-found "* | "loaded { path=$site/"*) ;;
    *) refuse "There is a gunicorn_django that is not this example's ($(unit_property FragmentPath)).
To see what it runs: systemctl cat gunicorn_django
Your own site needs nothing of this; what to copy from it is in examples/django/README.md." ;;
esac
if ! systemctl is-active --quiet gunicorn_django && (exec 3<> /dev/tcp/127.0.0.1/8000) 2> /dev/null; then
    refuse "Something else answers on 127.0.0.1:8000. To see what: sudo ss -ltnp 'sport = :8000'"
fi
for directory in "$site" "$state"; do
    owner=$(stat -c %U "$directory" 2> /dev/null || echo root)
    [[ $owner =~ ^(root|www-data|$account)$ ]] || refuse "$directory belongs to $owner: it is not this example's."
done

# Whatever root's own is: the site's user must be able to read the code.
umask 022
if ! getent passwd "$account" > /dev/null; then
    echo "User: $account"
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$account"
fi

echo "Code and libraries: $site"
mkdir -p "$site"
rm -rf "$site/code.new"
mkdir "$site/code.new"
cp -R "$here"/{manage.py,requirements.txt,neuronova_site,clinic} "$site/code.new/"
[ -x "$site/venv/bin/python" ] || python3 -m venv "$site/venv"
"$site/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements.txt"
rm -rf "$site/code"
mv "$site/code.new" "$site/code"

# systemd reads them as root, and gives them to the service.
stats_token=$(neuronova_setting monitor.env MONITOR_STATS_TOKEN)
if [ ! -e "$settings" ]; then
    echo "Settings: $settings"
    (
        umask 077
        cat > "$settings" << EOF
DJANGO_SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')
DJANGO_ALLOWED_HOSTS=$(hostname -f 2> /dev/null || hostname)
ML_API_KEY=$(neuronova_setting ml_server.env ML_API_KEY)
MONITOR_STATS_TOKEN=$stats_token
EOF
    )
else
    echo "Settings: $settings is there already; what is in it stays as it is"
    if [ "$(stat -c %U:%G "$settings")" = root:www-data ]; then
        echo "  it was readable for www-data, and is for root alone now"
        chown root:root "$settings"
        chmod 0600 "$settings"
    fi
    if grep -q '^MONITOR_ADMIN_TOKEN=' "$settings"; then
        echo "  MONITOR_ADMIN_TOKEN is taken out: the site needs MONITOR_STATS_TOKEN only"
        sed -i '/^MONITOR_ADMIN_TOKEN=/d' "$settings"
    fi
    if [ -n "$stats_token" ] && ! grep -q '^MONITOR_STATS_TOKEN=..*' "$settings"; then
        echo "  MONITOR_STATS_TOKEN is added"
        sed -i '/^MONITOR_STATS_TOKEN=$/d' "$settings"
        [ -z "$(tail -c 1 "$settings")" ] || echo >> "$settings"
        printf 'MONITOR_STATS_TOKEN=%s\n' "$stats_token" >> "$settings"
    fi
fi
if ! grep -q '^MONITOR_STATS_TOKEN=..*' "$settings"; then
    echo "  no MONITOR_STATS_TOKEN in /etc/neuronova/monitor.env: until it is there and this is run again," \
        "/api/system/stats/ answers 502"
fi

echo "Database and uploads: $state"
install -d -m 0750 "$state"
# Earlier versions of this site ran as www-data; whatever else lies there stays as it is.
if getent passwd www-data > /dev/null && [ -n "$(find "$state" -xdev -user www-data -print -quit)" ]; then
    echo "  what belonged to www-data belongs to $account now"
    [ "$(unit_property LoadState)" = not-found ] || systemctl stop gunicorn_django
    find "$state" -xdev -user www-data -execdir chown -h "$account:$account" {} +
fi
chown "$account:$account" "$state"
systemd-run --quiet --pipe --wait --collect --uid="$account" --working-directory="$site/code" -p UMask=0027 \
    -p EnvironmentFile="$settings" --setenv=STATE_DIRECTORY="$state" \
    "$site/venv/bin/python" manage.py migrate --verbosity 0

echo "Service: gunicorn_django"
install -m 0644 "$here/../../systemd/gunicorn_django.service" /etc/systemd/system/gunicorn_django.service
systemctl daemon-reload
systemctl enable --quiet gunicorn_django
systemctl restart gunicorn_django
echo "The site answers on http://127.0.0.1:8000/api/health/"
