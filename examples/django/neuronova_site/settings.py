"""Settings, from the environment; what a deployment must set is refused when missing.

`DJANGO_DEBUG=1` is for a developer's own machine and needs nothing else.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = Path(os.environ.get("STATE_DIRECTORY", BASE_DIR))  # systemd sets it from StateDirectory=

DEBUG = os.environ.get("DJANGO_DEBUG") == "1"
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "for-development-only" if DEBUG else "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "DJANGO_SECRET_KEY is not set; put one into /etc/neuronova-django.env "
        "(python3 -c 'import secrets; print(secrets.token_urlsafe(50))')"
    )
ALLOWED_HOSTS = ["127.0.0.1", "localhost", *os.environ.get("DJANGO_ALLOWED_HOSTS", "").split()]
CSRF_TRUSTED_ORIGINS = os.environ.get("DJANGO_CSRF_TRUSTED_ORIGINS", "").split()

# How this site reaches its neighbours on the same server.
ML_SERVER_URL = os.environ.get("ML_SERVER_URL", "http://127.0.0.1:9000")
ML_API_KEY = os.environ.get("ML_API_KEY", "")
ML_CONNECT_TIMEOUT_S = 1.0
ML_READ_TIMEOUT_S = float(os.environ.get("ML_READ_TIMEOUT_S", "10"))
MONITOR_URL = os.environ.get("MONITOR_URL", "http://127.0.0.1:9001")
MONITOR_STATS_TOKEN = os.environ.get("MONITOR_STATS_TOKEN", "")
MONITOR_TIMEOUT_S = 3.0
MINIMUM_FREE_DISK_PERCENT = 10.0

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "clinic",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "clinic.answers.JsonErrors",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "neuronova_site.urls"
WSGI_APPLICATION = "neuronova_site.wsgi.application"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": STATE_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = Path(os.environ.get("DJANGO_MEDIA_ROOT", STATE_DIR / "media"))
STATIC_URL = "static/"
LANGUAGE_CODE = "ko-kr"
TIME_ZONE = "Asia/Seoul"
USE_TZ = True

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_FAILURE_VIEW = "clinic.answers.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not DEBUG
# The monitor asks for it on this server, where there is no TLS.
SECURE_REDIRECT_EXEMPT = [r"^api/health/$"]
# A browser remembers for so long that this site is HTTPS only, and forgets it no sooner: an hour, until that is tried out.
SECURE_HSTS_SECONDS = 0 if DEBUG else int(os.environ.get("DJANGO_HSTS_SECONDS", "3600"))
# Not asked of an example: to speak for other hosts of the domain (its sub-domains, the browsers' own lists).
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"journal": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["journal"], "level": "INFO"},
}
