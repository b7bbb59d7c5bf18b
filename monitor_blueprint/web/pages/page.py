"""From a template and its values to a page."""

from __future__ import annotations

from pathlib import Path

from flask import Response, current_app, request, url_for
from jinja2 import Environment, FileSystemLoader

from monitor_blueprint.text import en_pages, ko_pages, render
from monitor_blueprint.text.page_words import PageWords
from monitor_blueprint.web import access
from monitor_blueprint.web.answers import secure
from monitor_blueprint.web.pages import language

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


def html(template: str, status: int = 200, **values: object) -> Response:
    """Return a page.

    Beside the values a template has `w` (the words of its language), `lang`, `home` (the address of the overview, with its
    slash), `who` (the visitor, None for a stranger) and `is_operator`.
    """
    asker = access.asker()
    frame: dict[str, object] = {
        "w": words(),
        "lang": language.current(),
        "other_languages": {key: name for key, name in ko_pages.LANGUAGES.items() if key != language.current()},
        "home": url_for(".page"),
        "menu": _menu(),
        "who": asker.visitor,
        "is_operator": asker.visitor is not None and asker.visitor.is_trusted,
    }
    response = Response(_templates.get_template(template).render(frame | values), status, mimetype="text/html")
    language.remember(response)
    return secure(response)


def _menu() -> list[tuple[str, str, bool]]:
    """Return the places of the menu: what each is called, its address, and whether this page is it."""
    w = words()
    places = (("page", w.overview), ("incidents", w.incidents), ("compare", w.graphs))
    own = f"{request.blueprint}."
    there = [(f"{own}{endpoint}", name) for endpoint, name in places if f"{own}{endpoint}" in current_app.view_functions]
    return [(name, url_for(endpoint), request.endpoint == endpoint) for endpoint, name in there]
