"""A message as a page for mail clients (`templates/ko/mail.html`)."""

from __future__ import annotations

from monitor_blueprint.domain.messages import Outline
from monitor_blueprint.domain.text import Public, configured, fill
from monitor_blueprint.text import ko_messages
from monitor_blueprint.text.message_templates import filled

# Under the level's colour white can be read (WCAG AA): red, amber, green; grey for what has none.
_COLOURS = {"CRITICAL": "#b3261e", "UNKNOWN": "#8a5300", "OK": "#1b6e3c"}
_NO_COLOUR = "#44546a"
# These stand with the title, as in the operators' guide: what, and when.
_GUIDE_FACTS = 2


def page_of(outline: Outline, message_id: str) -> Public:
    """Return the page of a message."""
    first, others = outline.facts[:_GUIDE_FACTS], outline.facts[_GUIDE_FACTS:]
    return filled(
        "mail.html",
        colour=fill(_COLOURS.get(outline.level, _NO_COLOUR)),
        outline=outline,
        first=(*first, *(fact for fact in others if fact[0] == ko_messages.ZONE_LABEL)),
        late=[fact for fact in others if fact[0] in ko_messages.LATE_LABELS],
        facts=[fact for fact in others if fact[0] not in (ko_messages.ZONE_LABEL, *ko_messages.LATE_LABELS)],
        id=configured(message_id),
    )
