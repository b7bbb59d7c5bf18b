#!/usr/bin/env bash
# Installs this Django site as the service gunicorn_django. Run it as root, again after every change.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
site=/srv/neuronova-django
settings=/etc/neuronova-django.env

if [ "$(id -u)" -ne 0 ]; then
    echo "This installs a service; run it as: sudo bash $0" >&2
    exit 1
fi

# Prints the value of a setting of NeuroNova's own files, or nothing where it is not installed.
neuronova_setting() {
    if [ -r "/etc/neuronova/$1" ]; then
        sed -n "s/^$2=//p" "/etc/neuronova/$1" | tail -n 1
    fi
}

# Whatever root's own is: www-data must be able to read the code.
umask 022
echo "Code and libraries: $site"
mkdir -p "$site"
rm -rf "$site/code.new"
mkdir "$site/code.new"
cp -R "$here"/{manage.py,requirements.txt,neuronova_site,clinic} "$site/code.new/"
[ -x "$site/venv/bin/python" ] || python3 -m venv "$site/venv"
"$site/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements.txt"
rm -rf "$site/code"
mv "$site/code.new" "$site/code"

if [ ! -e "$settings" ]; then
    echo "Settings: $settings"
    (
        umask 027
        cat > "$settings" <<EOF
DJANGO_SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')
DJANGO_ALLOWED_HOSTS=$(hostname -f 2>/dev/null || hostname)
ML_API_KEY=$(neuronova_setting ml_server.env ML_API_KEY)
MONITOR_ADMIN_TOKEN=$(neuronova_setting monitor.env MONITOR_ADMIN_TOKEN)
EOF
        chgrp www-data "$settings"
    )
else
    echo "Settings: $settings is there already and stays as it is"
fi

echo "Database: /var/lib/neuronova-django"
install -d -m 0750 -o www-data -g www-data /var/lib/neuronova-django
systemd-run --quiet --pipe --wait --collect --uid=www-data --working-directory="$site/code" \
    -p EnvironmentFile="$settings" --setenv=STATE_DIRECTORY=/var/lib/neuronova-django \
    "$site/venv/bin/python" manage.py migrate --verbosity 0

echo "Service: gunicorn_django"
install -m 0644 "$here/../../systemd/gunicorn_django.service" /etc/systemd/system/gunicorn_django.service
systemctl daemon-reload
systemctl enable --quiet gunicorn_django
systemctl restart gunicorn_django
echo "The site answers on http://127.0.0.1:8000/api/health/"
