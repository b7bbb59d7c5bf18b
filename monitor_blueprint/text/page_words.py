"""The words of the pages: each language has an object of this type, so that none can lack one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWords:
    """What stands in the pages besides what checks, people and the monitor say; {names} are filled by the templates."""

    # --- On every page
    title: str
    skip: str
    navigation: str
    overview: str
    incidents: str
    silences: str
    graphs: str
    sign_out: str
