#!/usr/bin/env bash
# Inside of the tree, once: what the files alone do not make a server that has been running for a year.
set -euo pipefail

useradd --create-home --shell /bin/bash ubuntu
chmod 0750 /home/ubuntu
for place in clinic sequence-server; do
    python3 -m venv "/srv/$place/venv"
done
/srv/clinic/venv/bin/pip install --quiet --no-index --find-links /opt/wheels django gunicorn
/srv/sequence-server/venv/bin/pip install --quiet --no-index --find-links /opt/wheels flask gunicorn
/srv/clinic/venv/bin/python /srv/clinic/manage.py migrate --verbosity 0
chown -R ubuntu:ubuntu /srv/clinic /srv/sequence-server
# A service compiles nothing when it is started: what it writes for itself would look like a change.
for place in clinic sequence-server; do
    runuser -u ubuntu -- "/srv/$place/venv/bin/python" -m compileall -q "/srv/$place"
done

# Django writes its access log there; the script of the guide writes as root.
chown ubuntu:ubuntu /var/log/neuronova
install -m 0644 -o ubuntu -g ubuntu /dev/null /var/log/neuronova/django_access.log

chown root:crontab /var/spool/cron/crontabs/root
chmod 0600 /var/spool/cron/crontabs/root
chmod 0440 /etc/sudoers.d/90-cloud-init-users

openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=clinic.example.com \
    -addext subjectAltName=DNS:clinic.example.com \
    -keyout /etc/ssl/private/clinic.key -out /etc/ssl/certs/clinic.pem 2> /dev/null
chmod 0600 /etc/ssl/private/clinic.key
ln -s ../sites-available/neuronova /etc/nginx/sites-enabled/neuronova

/usr/local/sbin/neuronova-backup
systemctl --quiet enable gunicorn_django gunicorn_flask

# Not of the server: what stands in for the mail relay and for Slack.
python3 -m venv /opt/stand-ins/venv
/opt/stand-ins/venv/bin/pip install --quiet --no-index --find-links /opt/wheels aiosmtpd
