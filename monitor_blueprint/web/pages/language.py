"""The language of the pages: Korean, or English where the visitor has asked for that once (`?lang=en`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Literal, ParamSpec, TypeVar, get_args

from flask import Response, g, request, url_for

from monitor_blueprint.domain.language import Catalogue, speaking

Language = Literal["ko", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
COOKIE = "neuronova_lang"
FIELD = "lang"
_LASTS_S = 366 * 86400
T = TypeVar("T")
P = ParamSpec("P")


def current() -> Language:
    """Return the language of the page that is asked for, found out once for each request."""
    if "neuronova_language" not in g:
        wanted = asked() or request.cookies.get(COOKIE)
        g.neuronova_language = next((each for each in LANGUAGES if each == wanted), LANGUAGES[0])
    known: Language = g.neuronova_language
    return known


def asked() -> Language | None:
    """Return the language that this very request names."""
    wanted = request.args.get(FIELD)
    return next((each for each in LANGUAGES if each == wanted), None)


def pick(ko: T, en: T) -> T:
    """Return what is of the page's language: of two catalogues the one, usually."""
    return en if current() == "en" else ko


def spoken(show: Callable[P, T]) -> Callable[P, T]:
    """Let what shows a page say in the page's language what checks and the monitor say.

    Only what shows: what a form orders is written into logs and messages, which are Korean.
    """

    @wraps(show)
    def shown(*places: P.args, **named: P.kwargs) -> T:
        with speaking(_english() if current() == "en" else None):
            return show(*places, **named)

    return shown


@cache
def _english() -> Catalogue:
    # It takes memory that nobody needs where all read Korean.
    from monitor_blueprint.text.english import English  # noqa: PLC0415

    return English()


def remember(response: Response) -> None:
    """Let the browser keep the language that was asked for."""
    wanted = asked()
    if wanted is not None:
        response.set_cookie(
            COOKIE, wanted, max_age=_LASTS_S, path=url_for(".page"), secure=request.is_secure, httponly=True, samesite="Lax"
        )
