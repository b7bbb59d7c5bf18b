"""From a template and its values to a page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from flask import Response, request, url_for
from jinja2 import Environment, FileSystemLoader

from monitor_blueprint.console.gate import ADMIN
from monitor_blueprint.domain.access import Visitor
from monitor_blueprint.domain.durations import lasted_s
from monitor_blueprint.text import en_pages, ko_pages, render
from monitor_blueprint.text.page_words import PageWords
from monitor_blueprint.web import access
from monitor_blueprint.web.answers import RefusedError, secure
from monitor_blueprint.web.pages import forms, language

# Not the application's: that may have a `base.html` of its own, and other rules.
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals.update(url_for=url_for, local=render.local)


def words() -> PageWords:
    """Return the words of the page's language."""
    return language.pick(ko_pages.WORDS, en_pages.WORDS)


def duration(seconds: float) -> str:
    """Return a duration in the words of the page's language, at most two units."""
    # The clock may have been set back.
    whole, parts = max(0, int(seconds)), []
    for size, name in words().units:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts[:2]) or f"0{words().units[-1][1]}"


def lasting(since: datetime | None, until: datetime) -> str:
    """Return how long it is from one moment to another; "" where the first is not known."""
    return duration(lasted_s(since, until)) if since is not None else ""


def is_named(visitor: Visitor | None) -> bool:
    """Tell whether the record will know a person by the visitor's name: the administrators' token alone says nobody's."""
    return visitor is not None and (visitor.token != ADMIN or visitor.name != ADMIN)


def bare(template: str, **values: object) -> Response:
    """Return a page for everybody: it has its values, `lang` and `other_languages`, and nothing of who looks."""
    others = {key: name for key, name in ko_pages.LANGUAGES.items() if key != language.current()}
    text = _templates.get_template(template).render({"lang": language.current(), "other_languages": others, **values})
    response = Response(text, mimetype="text/html")
    language.remember(response)
    return secure(response)


def html(template: str, status: int = 200, *, error: RefusedError | None = None, **values: object) -> Response:
    """Return a page.

    Beside the values a template has `w` (the words of its language), `lang`, `home` (the address of the overview, with its
    slash), `who` (the visitor, None for a stranger), `is_operator`, `form_field` (what every form carries), and of an `error`
    that is given `refusal` (the sentence for it) and `problems` (a sentence for each wrong field, by its name).
    """
    asker = access.asker()
    visitor = asker.visitor
    frame: dict[str, object] = {
        "w": words(),
        "lang": language.current(),
        "other_languages": {key: name for key, name in ko_pages.LANGUAGES.items() if key != language.current()},
        "kept_query": _kept_query(),
        "home": url_for(".page"),
        "menu": _menu(visitor),
        "who": visitor,
        "is_operator": visitor is not None and visitor.is_trusted,
        "is_named": is_named(visitor),
        "is_session": asker.entry is not None and asker.entry.ends_at is not None,
        "form_field": (forms.FIELD, forms.token()),
        "said": _sentence(forms.said()),
        "error": error,
        "refusal": _refusal(error) if error is not None else "",
        "problems": _problems(error) if error is not None else {},
    }
    response = Response(_templates.get_template(template).render(frame | values), status, mimetype="text/html")
    if error is not None and error.retry_after_s:
        response.headers["Retry-After"] = str(error.retry_after_s)
    language.remember(response)
    forms.keep(response)
    return secure(response)


def refused(error: RefusedError) -> Response:
    """Return a page that says why something was not done."""
    return html("refused.html", error.status, error=error, back=forms.own_path(request.form.get(forms.BACK, "")))


def _refusal(error: RefusedError) -> str:
    known = words().refusals
    return known.get(error.refusal.code, known["not_done"]).format(wait_s=error.retry_after_s)


def _problems(error: RefusedError) -> dict[str, str]:
    known = words().problems
    return {each.field: known.get(each.field, each.problem) for each in error.refusal.details}


def _sentence(said: forms.Said | None) -> str:
    if said is None or said.key not in words().said:
        return ""
    return words().said[said.key].format_map(_Facts(said.facts))


class _Facts(dict[str, str]):
    """The facts of a sentence; of one that another version has written, some may not be there."""

    def __init__(self, known: Mapping[str, str]) -> None:
        super().__init__(known)

    def __missing__(self, key: str) -> str:
        return ""


def _menu(visitor: Visitor | None) -> list[tuple[str, str, bool]]:
    """Return the places of the menu: what each is called, its address, and whether this page is it."""
    w = words()
    places = [(".page", w.overview), (".incidents", w.incidents), (".compare", w.graphs)]
    if visitor is not None and visitor.is_trusted:
        places.append((".silences_page", w.silences))
    return [(name, url_for(endpoint), (request.endpoint or "").endswith(endpoint)) for endpoint, name in places]


def _kept_query() -> str:
    """Return what the address asks for besides its language, for the same page in another one."""
    kept = [(key, value) for key, value in request.args.items(multi=True) if key != language.FIELD]
    return f"{urlencode(kept)}&" if kept else ""
