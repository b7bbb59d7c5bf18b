"""The English catalogue's lines of how a test alert fared."""

from __future__ import annotations

TRIED_NOTE = "note: {note}"
TEST_DELIVERED = "{channel}: delivered ({answer})"
TEST_FAILED = "{channel}: failed ({reason})"
