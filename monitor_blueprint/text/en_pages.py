"""The English catalogue: the words of the pages."""

from __future__ import annotations

from monitor_blueprint.text.page_words import PageWords

WORDS = PageWords(
    title="NeuroNova monitor",
    skip="Skip to the content",
    navigation="Main menu",
    overview="Overview",
    incidents="Incidents",
    silences="Silences",
    graphs="Graphs",
    sign_out="Sign out",
)
