"""A model's report as a page for people: HTML without a script; every text in it is escaped."""

from collections.abc import Iterator, Sequence
from html import escape

from ml_server.card import Card
from ml_server.reporting import Item, Section, Table

CONTENT_TYPE = "text/html; charset=utf-8"
# Nothing is loaded, and nothing runs.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
       color: #1a1a1a; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #ccc }
h3 { font-size: 1rem; margin-bottom: 0 } p { margin: .2rem 0 }
.mark { background: #7a1f1f; color: #fff; padding: .5rem 1rem; font-weight: bold } .open { color: #666; font-style: italic }
.wide { overflow-x: auto } table { border-collapse: collapse; margin: .5rem 0; font-size: .85rem }
th, td { border: 1px solid #ccc; padding: .2rem .5rem; text-align: left; vertical-align: top }
"""


def render(card: Card, digest: str, sections: Sequence[Section]) -> bytes:
    """Return the page."""
    title = escape(f"{card.title} ({card.name} {card.version})")
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>',
        f"<style>{_STYLE}</style></head><body><main>",
        f"<h1>{title}</h1>",
    ]
    if card.research_only:
        parts.append('<p class="mark">For research only. No answer of this model is a diagnosis.</p>')
    parts.append(f"<p>{escape(card.intended_use)}</p>")
    parts.append(f"<p>Version {escape(card.version)}, digest {escape(digest)}. Items by TRIPOD+AI.</p>")
    for section in sections:
        parts.append(f"<h2>{escape(section.heading)}</h2>")
        for item in section.items:
            parts += _item(item)
    parts.append("</main></body></html>\n")
    return "\n".join(parts).encode()


def _item(item: Item) -> Iterator[str]:
    yield f'<h3 id="item-{escape(item.number)}">{escape(item.number)}. {escape(item.about)}</h3>'
    yield from (f"<p>{escape(text)}</p>" for text in item.said)
    yield from (_table(table) for table in item.tables)
    if not item.said and not item.tables:
        yield '<p class="open">The card does not say.</p>'


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
