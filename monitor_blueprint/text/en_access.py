"""The English catalogue: what people have done."""

from __future__ import annotations

from monitor_blueprint.domain.story import StoryKind

STORY = {
    StoryKind.UNACKED: "Incident {number} let go by {by}",
    StoryKind.NOTED: "Note on incident {number} ({by}): {text}",
    StoryKind.CHECKED: "Checked by hand: {checks} ({by})",
    StoryKind.TRIED: "Test alert sent by {by}",
    StoryKind.ADMITTED: "Token {name} added, role {role}, by {by}",
    StoryKind.DISMISSED: "Token {name} revoked by {by}",
    StoryKind.TURNED_AWAY: "{count} tries with a wrong token (address {address}) - turned away for a while",
}
