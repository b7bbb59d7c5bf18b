"""The last thing that is done to a message before a channel has it: the way to its incident, and more than text."""

from __future__ import annotations

from dataclasses import replace

from monitor_blueprint.domain.messages import Message
from monitor_blueprint.domain.text import fill
from monitor_blueprint.log import Log
from monitor_blueprint.text import mail_page, messages
from monitor_blueprint.text.outline import outline_of

_log = Log(__name__)


def presented(message: Message, console_url: str) -> Message:
    """Return the message as channels are given it: with a link, its parts and its page; at worst as it is."""
    try:
        linked = messages.linked(message, console_url)
        if message.is_plain:
            return linked
        outline = outline_of(linked.body)
        return replace(linked, outline=outline, page=mail_page.page_of(outline, message.id))
    except Exception as error:  # noqa: BLE001 - better told plainly than not at all
        _log.error(fill("a message is sent as text alone"), error)
        return message
