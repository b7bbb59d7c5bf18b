"""The report of a model: by the items of TRIPOD+AI, as JSON and as a page."""

import html
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from flask.testing import FlaskClient

from ml_server import page, reporting
from ml_server.app import create_app
from ml_server.card import Card
from ml_server.config import Settings
from tests.ml_server.conftest import NAME, VERSION, edit_card

EVIL = '<script>alert("1")</script>&'
KEY = "0123456789abcdef"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_every_item_is_there(client: FlaskClient, prefix: str) -> None:
    answer = client.get(f"{prefix}/models/{NAME}")
    content = answer.get_json()
    assert (answer.status_code, content["model_name"], content["model_version"]) == (200, NAME, VERSION)
    assert content["research_only"] is True
    items = {item["number"]: item for section in content["sections"] for item in section["items"]}
    assert [number for number in map(str, range(1, 28)) if not any(key.rstrip("abcdefg") == number for key in items)] == []
    (_, patterns) = items["23a"]["tables"]
    assert patterns["rows"][0][1].startswith("0.904 (0.862 to 0.938)")
    assert "sensitivity / specificity at 0.5" in patterns["columns"]
    assert [row[0] for row in items["23b"]["tables"][0]["rows"]][:2] == ["sex: female", "sex: male"]
    assert len(items["9b"]["tables"][0]["rows"]) == 15
    assert items["18b"]["said"] == items["18b"]["tables"] == []


def test_page_for_people(client: FlaskClient) -> None:
    answer = client.get(f"/models/{NAME}?version={VERSION}", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.content_type == page.CONTENT_TYPE
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Vary"] == "Accept"
    assert "For research only" in answer.text
    assert "The card does not say." in answer.text


def test_key_and_name_are_demanded() -> None:
    client = create_app(Settings(api_key=KEY)).test_client()
    assert client.get(f"/models/{NAME}").status_code == 401
    assert client.get(f"/models/{NAME}", headers={"X-API-Key": KEY}).status_code == 200
    assert client.get("/models/nobody", headers={"X-API-Key": KEY}).status_code == 404
    assert client.get(f"/models/{NAME}?version=9.9.9", headers={"X-API-Key": KEY}).status_code == 404


def test_whatever_a_card_says_is_text(model_dir: Path) -> None:
    edit_card(model_dir / NAME / VERSION, title=EVIL, intended_use=EVIL, not_for=[EVIL], statements={"6b": EVIL})
    client = create_app(Settings(model_dir=model_dir)).test_client()
    text = client.get(f"/models/{NAME}", headers={"Accept": "text/html"}).text
    tags = Tags()
    tags.feed(text)
    assert "script" not in tags.seen
    assert html.escape(EVIL) in text


def test_first_generation_says_what_it_knows(card: Card) -> None:
    sections = reporting.report(card, "abc")
    items = {item.number: item for section in sections for item in section.items}
    assert len(items["23a"].tables) == 1
    assert items["23b"].tables == []
    assert items["27a"].said[-1].endswith("is not known.")
    assert b"<h1>" in page.render(card, "abc", sections)
    assert msgspec.json.encode(sections)
