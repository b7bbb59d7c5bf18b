"""The monitor's configuration for what was found on this server: the shipped file, changed where this server differs."""

from __future__ import annotations

import re
from collections.abc import Callable

from deploy.installer import places
from deploy.installer.health_addresses import url_of
from deploy.installer.plan import Plan, Watched

_SECTION = re.compile(r"(?m)^(?=\[\[check\]\]\n)")
_NAME = re.compile(r'(?m)^name = "([^"]+)"')
_GUIDE_URLS = {"Django": "http://127.0.0.1:8000/api/health/", "Flask": "http://127.0.0.1:9000/health"}


def render(shipped: str, plan: Plan) -> str:
    """Return the shipped configuration as it fits this server; where the server is the guide's, it is the same text."""
    parts = _SECTION.split(shipped.replace(f'state_dir = "{places.STATE}"', f'state_dir = "{plan.state_dir}"'))
    return "".join(parts[:1] + [_check(part, plan) for part in parts[1:]])


def added_ml_server(plan: Plan) -> str:
    """Return the checks of our ML server that stands beside somebody else's; empty where it does not."""
    if plan.ml_unit != places.ML_UNIT_BESIDE:
        return ""
    return (
        f'[[check]]                   # ours, beside the one above\nname = "MLServer"\nkind = "service"\n'
        f'unit = "{_short(plan.ml_unit)}"\nurl = "{url_of(plan.ml_bind, "/health")}"\n\n'
        "[[check]]                   # a known sample, and whether the answer is still the right one\n"
        f'name = "Prediction"\nkind = "golden"\nurl = "{url_of(plan.ml_bind, "/predict")}"\ndepends_on = ["MLServer"]\n\n'
    )


def _check(part: str, plan: Plan) -> str:
    name = _NAME.search(part)
    render = _RENDERERS.get(name[1] if name else "")
    return render(part, plan) if render else part


def _service(part: str, watched: Watched) -> str:
    name = _NAME.search(part)
    guide_url = _GUIDE_URLS.get(name[1] if name else "", "")
    if watched.unit:
        part = re.sub(r'(?m)^unit = ".*"', f'unit = "{_short(watched.unit)}"', part)
    else:
        part = re.sub(r'(?m)^unit = ".*"\n', "", part)
    if not guide_url or watched.url == guide_url:
        return part
    line = (
        f'url = "{watched.url}"' if watched.url else f'# url = "{guide_url}"   # it does not answer 200: enter the one that does'
    )
    return re.sub(r'(?m)^url = ".*"', lambda _found: line, part)


def _health_body(part: str, plan: Plan) -> str:
    if not plan.has_health_body or not plan.django.url:
        return _commented(part)
    if plan.django.url == _GUIDE_URLS["Django"]:
        return part
    return part.replace('kind = "health_body"\n', f'kind = "health_body"\nurl = "{plan.django.url}"\n')


def _prediction(part: str, plan: Plan) -> str:
    if plan.is_flask_ours:
        url = url_of(plan.ml_bind, "/predict")
        is_usual = plan.ml_bind == f"127.0.0.1:{places.ML_PORT}"
        return part if is_usual else part.replace('kind = "golden"\n', f'kind = "golden"\nurl = "{url}"\n')
    # The answers of somebody else's server are not known here.
    return added_ml_server(plan) or _commented(part)


def _of_our_server(part: str, plan: Plan, address: str) -> str:
    """Have a check ask our own ML server, wherever that is; where there is none of ours, nobody is asked."""
    if not plan.ml_unit:
        return _commented(part)
    if plan.ml_unit == places.ML_UNIT_BESIDE:
        part = part.replace('depends_on = ["Flask"]', 'depends_on = ["MLServer"]')
    if plan.ml_bind == f"127.0.0.1:{places.ML_PORT}":
        return part
    return re.sub(r'(?m)^(kind = ".*")$', lambda found: f'{found[1]}\nurl = "{url_of(plan.ml_bind, address)}"', part, count=1)


def _units(part: str, plan: Plan) -> str:
    found = [_short(each.unit) for each in (plan.nginx, plan.django, plan.flask) if each.unit]
    if plan.ml_unit == places.ML_UNIT_BESIDE:
        found.append(_short(plan.ml_unit))
    if found == ["nginx", "gunicorn_django", "gunicorn_flask"]:
        return part
    listed = ", ".join(f'"{unit}"' for unit in found)
    return re.sub(r'(?m)^(kind = ".*")$', rf"\1\nunits = [{listed}]", part, count=1)


def _commented(part: str) -> str:
    """Comment a check out, but not what follows it."""
    check, gap, rest = part.partition("\n\n")
    return "".join(f"# {line}\n" for line in check.splitlines()).rstrip("\n") + gap + rest


def _short(unit: str) -> str:
    return unit.removesuffix(".service")


_RENDERERS: dict[str, Callable[[str, Plan], str]] = {
    "Nginx": lambda part, plan: _service(part, plan.nginx),
    "Django": lambda part, plan: _service(part, plan.django),
    "Flask": lambda part, plan: _service(part, plan.flask),
    "DjangoHealth": _health_body,
    "Prediction": _prediction,
    "Feedback": lambda part, plan: _of_our_server(part, plan, "/api/feedback/summary"),
    "Drift": lambda part, plan: _of_our_server(part, plan, "/api/drift"),
    "Restarts": _units,
    "Journal": _units,
}
