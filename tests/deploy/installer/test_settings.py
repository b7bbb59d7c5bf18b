"""Settings files: one setting is changed, and nothing else."""

import pytest

from deploy.installer import plan
from deploy.installer.plan import Wanted
from deploy.installer.settings import missing_checks, replaced
from tests.deploy.installer.stocks import EMPTY, LIVED_IN

OURS = '[[check]]\nname = "Flask"\nkind = "service"\nunit = "gunicorn_flask"\n'
GOLDEN = '[[check]]\nname = "Prediction"\nkind = "golden"\n'


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('A="1"\nB="2"\n', 'A="x\\1"\nB="2"\n'),
        ("A=\nB=2", 'A="x\\1"\nB=2'),
        ('A="1"\nB=2\nA=generate', 'A="x\\1"\nB=2\nA="x\\1"'),
        ("B=2\n", 'B=2\nA="x\\1"\n'),
        ('# A="1"\nA="1"', '# A="1"\nA="x\\1"'),
    ],
)
def test_a_setting_is_replaced(text: str, after: str) -> None:
    assert replaced(text, "A", "x\\1") == after


def test_a_server_that_is_not_watched() -> None:
    """What is to be added to the operator's file is shown, and fits."""
    beside = missing_checks(OURS, plan.make(LIVED_IN, Wanted("beside")))
    assert '| unit = "gunicorn_ml_server"' in beside
    assert '| name = "Prediction"' in missing_checks(OURS, plan.make(EMPTY, Wanted()))
    assert missing_checks(OURS + GOLDEN, plan.make(EMPTY, Wanted())) == []
    assert missing_checks(OURS, plan.make(LIVED_IN, Wanted())) == []
    assert missing_checks("[[", plan.make(EMPTY, Wanted())) == []
