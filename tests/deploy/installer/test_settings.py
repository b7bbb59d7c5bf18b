"""Settings files: one setting is changed, and nothing else."""

import pytest

from deploy.installer.settings import replaced


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('A="1"\nB="2"\n', 'A="x\\1"\nB="2"\n'),
        ("A=\nB=2", 'A="x\\1"\nB=2'),
        ("B=2\n", 'B=2\nA="x\\1"\n'),
        ('# A="1"\nA="1"', '# A="1"\nA="x\\1"'),
    ],
)
def test_a_setting_is_replaced(text: str, after: str) -> None:
    assert replaced(text, "A", "x\\1") == after
