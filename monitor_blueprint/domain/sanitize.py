"""Makes text from outside fit to be stored or sent: on one line, and without secrets and patient data, by pattern.

It prefers to take out too much: a line with a hole still helps, a line with a patient's name must not leave the server.
"""

from __future__ import annotations

import re
import unicodedata

from monitor_blueprint.domain.file_names import without_named_files
from monitor_blueprint.domain.personal import MASK, without_people

__all__ = ["MASK", "clean", "redact", "redact_lines"]
_MAX_LINE = 1000
# With the halves of characters that stand for a file name's bytes which are no UTF-8: nothing can write them down.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")

# What colours a terminal (ECMA-48): with its escape character, with that character written down, and what is left without it.
# No more than that: a letter too many is the first one of a word that would have told a secret.
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b|(?:\^\[|#033|\\{1,2}(?:x1[bB]|033|e|u001[bB]))\[)(?:[0-?]{1,40}[A-Za-z]|[mKJH])"
    r"|\x1b\][^\x07\x1b\n]{0,200}(?:\x07|\x1b\\)|\x1b\([0AB]"
    r"|\[(?:\d{1,3};[\d;]{0,20}m|(?:0|[1-9]\d?)?m(?![\w\]])|0?K(?![\w\]]))"
)

_CREDENTIAL_KEYS = (
    r"[\w.-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key"
    r"|credential|cookie|session[_-]?(?:id|key)|csrf|webhook|dsn|x-api-key|authorization)[\w.-]*"
    r"|[\w.-]*[_-]pass|x-auth[\w-]*|pass(?=[\"'=])"
)
# The escapes are the Korean words for: patient, name (three words), doctor in charge, date of birth, resident number,
# telephone, contact, address, e-mail.
_PERSONAL_KEYS = (
    r"[\w.-]*(?:patient|doctor|physician|clinician|guardian|caregiver|birth|resident[_-]?(?:no|number|registration))[\w.-]*"
    r"|(?:[\w.-]*(?:first|last|full|given|family|middle|sur|user|display|real)[_-]?)?name"
    r"|user|dob|ssn|rrn|mrn|jumin\w*|chart[_-]?(?:no|number|id)|phone\w*|mobile\w*|tel|telephone|fax|e?[_-]?mail\w*"
    r"|addr|address|postcode|zip"
    r"|[\w.-]*(?:\ud658\uc790|\uc774\ub984|\uc131\uba85|\uc131\ud568|\ub2f4\ub2f9\uc758|\uc0dd\ub144\uc6d4\uc77c"
    r"|\uc8fc\ubbfc|\uc804\ud654|\uc5f0\ub77d\ucc98|\uc8fc\uc18c|\uc774\uba54\uc77c)[\w.-]*"
)
# At most eight backslashes, and none before them: a line full of them would be tried from each of them anew.
_KEY = rf"(?<![\w.\\-])(?P<quote>\\{{0,8}}[\"']?)(?:{_CREDENTIAL_KEYS}|{_PERSONAL_KEYS})"

# What follows such a key: a bracket with all that is in it, a quoted text, a bare JSON value, or the rest of the line
# up to the next `word=`. A quote inside a quoted text (\") cannot be told from the end with certainty: all goes.
_KEYED_BRACKET = re.compile(rf"({_KEY}(?P=quote)\s*(?:=>|[:=])\s*)[\[(][^\n\])]*(?:[\])]|$)", re.IGNORECASE | re.MULTILINE)
_KEYED_QUOTED = re.compile(
    rf"({_KEY}(?P=quote)\s*(?:=>|[:=])\s*[uUbBrR]?)(?:\"[^\"\\\n]*\"|'[^'\\\n]*'|\\*[\"'][^\n]*)", re.IGNORECASE
)
_KEYED_JSON = re.compile(
    r"((?<![\w.\\-])(?P<quote>\\{0,8}[\"'])(?:"
    + f"{_CREDENTIAL_KEYS}|{_PERSONAL_KEYS}"
    + r")(?P=quote)\s*(?:=>|[:=])\s*)[^\s,}\]{\[\"'\\*][^,}\]\n]*",
    re.IGNORECASE,
)
_KEYED_BARE = re.compile(
    r"((?<![\w.\"'-])(?:"
    + f"{_CREDENTIAL_KEYS}|{_PERSONAL_KEYS}"
    + r")\s*(?:=>|[:=](?!//))\s*)(?!\*\*\*)[^\s{\[(\"'\\].*?(?=(?<![\s,;&])[\s,;&]+[\w.-]+=|$)",
    re.IGNORECASE | re.MULTILINE,
)

# Shows as nothing, and would part a word from what it says.
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2060-\u2064\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_PLAIN: tuple[tuple[re.Pattern[str], str], ...] = (
    (_PRIVATE_KEY, MASK),
    # RFC 9110 section 11.6.2: everything after the field name is the credentials.
    (re.compile(r"((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(\\*[\"']?\s*[:=]\s*).*", re.IGNORECASE), rf"\1\2{MASK}"),
    (re.compile(r"\b(bearer|basic|digest|token|negotiate)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"((?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://)[^\s/\"'<>]*@", re.IGNORECASE), rf"\1{MASK}@"),
    # A password with a "/" in it: what stands for the port is none.
    (
        re.compile(r"((?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://)[^\s/:\"'<>\[\]]*:(?!\d{1,5}(?:/|\b))[^\s\"'<>]*@", re.IGNORECASE),
        rf"\1{MASK}@",
    ),
    (re.compile(r"https?://[^\s\"'<>]*(?:hooks?\.|webhook|/hooks?/|hc-ping\.com|healthchecks)[^\s\"'<>]*", re.IGNORECASE), MASK),
    # A query string can hold anything, a name that was searched for above all.
    (re.compile(r"(?<=[\w/%.~*-])\?[^\s\"<>]+"), f"?{MASK}"),
    # The same in a path: a number of four digits and more, or a word in percent encoding (a Korean name).
    (re.compile(r"(?<=/)\d{4,}(?=[/\s\"'?]|$)"), MASK),
    (re.compile(r"(?<![\w.~-])[\w.~-]*(?:%[0-9a-f]{2}[\w.~-]*)+", re.IGNORECASE), MASK),
    # What curl and mysql are given.
    (re.compile(r"(\bcurl\b[^\n]{0,200}?\s(?:-u|--user)[\s=]{0,3}[^\s:]{1,80}:)\S+"), rf"\1{MASK}"),
    (re.compile(r"(\b(?:mysql|mariadb)[a-z-]{0,9}\b[^\n]{0,200}?\s-p)(?!ort\b)\S+"), rf"\1{MASK}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]*(?:\.[\w-]*)?"), MASK),
    (re.compile(r"\b(?:AKIA|ASIA|AIDA|AROA)[A-Za-z0-9]{12,}"), MASK),
    (re.compile(r"\b(?:gh[opusr]_|github_pat_|glpat-|xox[a-z]-|xapp-|sk-|pk_|sk_|rk_|hf_|pypi-)[\w-]{8,}"), MASK),
    (re.compile(r"(?<![\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+"), MASK),
    # Also at a machine without a domain.
    (re.compile(r"(?<![\w.!#$%&'*+/=?^`{|}~@-])[\w.+-]+@[A-Za-z][\w-]*"), MASK),
)
_NUMBERS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Korean resident registration number: date of birth, then a digit for sex and century, then six more.
    (re.compile(r"(?<!\d)\d{6}\s?[-\u2013]\s?[0-9]\d{6}(?!\d)"), MASK),
    (re.compile(r"(?<!\d)(?:\+?82[-.\s]?|0)1[016789][-.\s]?\d{3,4}[-.\s]?\d{4}(?!\d)"), MASK),
    (re.compile(r"(?<!\d)(?:\+82[-.\s]?|0)(?:2|[3-7]\d)[-.\s]?\d{3,4}[-.\s]\d{4}(?!\d)"), MASK),
    # Not "+0900 502": that is a time zone and what comes after it.
    (re.compile(r"(?<![\w.])(?!\+\d{4}(?!\d))\+[1-9]\d{0,2}[-.\s]?\(?\d{1,4}\)?(?:[-.\s]?\d{2,4}){2,4}(?!\d)"), MASK),
    # With the area code in brackets, and those of more figures (for one who does not tell their own).
    (re.compile(r"(?<!\d)\(?0\d{1,3}\)[-.\s]?\d{3,4}[-.\s]?\d{4}(?!\d)"), MASK),
    (re.compile(r"(?<!\d)050\d[-.\s]?\d{3,4}[-.\s]?\d{4}(?!\d)"), MASK),
    # A card.
    (re.compile(r"(?<!\d)\d{4}(?:[-\s]\d{4}){2}[-\s]\d{3,4}(?!\d)"), MASK),
    (re.compile(r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)"), MASK),
    # A date of the last century is somebody's date of birth, not the time of an event.
    (re.compile(r"(?<!\d)19\d\d(?:[-./]\d{1,2}){2}(?!\d)"), MASK),
)
# As long as a chart's; but not what a setting may be at most, as a message about that says it.
_LONG_NUMBER = re.compile(
    r"(?P<bounds>\bmust be an? (?:(?:whole )?number|integer) from -?\d{1,7}(?:\.\d{1,3})? to [1-9]\d{7,9}(?![\w*-]))|\d{8,}"
)
# A long run of letters and digits is a key. A UUID is a request's number, and stays.
_TOKEN = re.compile(r"(?<![\w+=-])[\w+=-]{28,}(?![\w+=-])")
# The same in hexadecimal digits, before any of these are taken for somebody's number: half a key is still half a key.
_HEXADECIMAL = re.compile(r"(?<![A-Za-z\d])(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{28,}(?![A-Za-z\d])", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def clean(text: str, limit: int = 200) -> str:
    """Return untrusted text on one line, without control characters, at most `limit` characters."""
    line = _CONTROL.sub(" ", _ANSI.sub("", text)).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def redact(text: str) -> str:
    """Return the text with secrets and personal data replaced by `***`; of an endless line only the beginning."""
    # Full-width digits and letters are digits and letters, too (Unicode TR 15, form KC).
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", _ANSI.sub("", text).replace("\x00", " ")))
    text = "\n".join(map(_shortened, text.splitlines()))
    for pattern, replacement in _PLAIN:
        text = pattern.sub(replacement, text)
    for pattern in (_KEYED_BRACKET, _KEYED_QUOTED, _KEYED_JSON, _KEYED_BARE):
        text = pattern.sub(rf"\1{MASK}", text)
    text = _HEXADECIMAL.sub(MASK, text)
    text = without_people("\n".join(map(without_named_files, text.split("\n"))))
    kept = _UUID.findall(text)
    text = _UUID.sub("\x00", text)
    text = _TOKEN.sub(_mask_token, text)
    for pattern, replacement in _NUMBERS:
        text = pattern.sub(replacement, text)
    text = _LONG_NUMBER.sub(lambda match: match["bounds"] or MASK, text)
    for uuid in kept:
        text = text.replace("\x00", uuid, 1)
    return text


def redact_lines(text: str) -> str:
    """Return the text redacted line by line, each a text of its own: none swallows the next one; a key may be of many."""
    return "\n".join(map(redact, _PRIVATE_KEY.sub(MASK, text).split("\n")))


def _shortened(line: str) -> str:
    if len(line) <= _MAX_LINE:
        return line
    # Not in the middle of a word: half a key is still half a key.
    return line[:_MAX_LINE].rpartition(" ")[0] + " …"


def _mask_token(match: re.Match[str]) -> str:
    found = match.group()
    is_key_like = any(char.isdigit() for char in found) and any(char.isalpha() for char in found)
    return MASK if is_key_like else found
