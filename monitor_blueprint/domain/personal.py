"""How people are written down in ordinary sentences, English and Korean: patterns for what must not be kept of them.

No pattern can find every name. These find the words and forms around one: a title, a kind of number, a row of a database, a
path. They take too much rather than too little; what has to leave the machine is not left to them.
"""

from __future__ import annotations

import re

MASK = "***"
# The Korean words are written as escapes: whatever is not said to an operator is English here.
# Recipient, sender, patient (three words), client, member, guardian, subject, doctor in charge; then name (three words).
_PEOPLE_KO = (
    "\ud658\uc790|\uc218\uc2e0\uc790|\ubc1c\uc2e0\uc790|\uc218\uc9c4\uc790|\ub0b4\uc6d0\uac1d|\uace0\uac1d|\ud68c\uc6d0"
    "|\ubcf4\ud638\uc790|\ud53c\ud5d8\uc790|\ub2f4\ub2f9\uc758"
)
_NAME_KO = "\uc131\uba85|\uc131\ud568|\uc774\ub984"
# What is said to or of somebody, after the name: Mr., doctor, professor, nurse, patient, baby, old man and woman.
_TITLE_KO = (
    "\ub2d8|\uc528|\uc120\uc0dd|\uc758\uc0ac|\uad50\uc218|\uc6d0\uc7a5|\uac04\ud638\uc0ac"
    "|\ud658\uc790|\uc544\uae30|\ud560\uba38\ub2c8|\ud560\uc544\ubc84\uc9c0"
)
# Particles that may stand between: of, topic, subject, object, and "called".
_PARTICLE = "(?:\uc758|\uc740|\ub294|\uc774|\uac00|\uc744|\ub97c|\uba85|\uc778)?"
_HANGUL = "[\uac00-\ud7a3]"
# Kinds of numbers: registration, patient, chart, medical record, resident, consultation, reception, examination, prescription,
# insurance, passport, licence, foreigner, account, card, member, telephone, mobile, guardian.
_NUMBER_KO = (
    "(?:\ub4f1\ub85d|\ud658\uc790|\ucc28\ud2b8|\ubcd1\ub85d|\uc8fc\ubbfc(?:\ub4f1\ub85d)?|\uc9c4\ub8cc"
    "|\uc811\uc218|\uac80\uc0ac|\ucc98\ubc29|\ubcf4\ud5d8|\uc5ec\uad8c|\uba74\ud5c8"
    "|\uc678\uad6d\uc778(?:\ub4f1\ub85d)?|\uacc4\uc88c|\uce74\ub4dc|\ud68c\uc6d0|\uc804\ud654"
    "|\ud734\ub300\ud3f0|\ubcf4\ud638\uc790)"
)
_NUMBER_WORD_KO = "\ubc88\ud638"
# Year, month, day; then "born" (two words), and the words for a birthday and for an age.
_YEAR, _MONTH, _DAY, _BORN_KO, _BIRTHDAY_KO, _AGE_KO = (
    "\ub144",
    "\uc6d4",
    "\uc77c",
    "\uc0dd|\ucd9c\uc0dd",
    "\uc0dd\ub144\uc6d4\uc77c|\uc0dd\uc77c|\ucd9c\uc0dd\uc77c",
    "\uc138|\uc0b4",
)
# Password (four words).
_LOGIN_WORD_KO = "\ube44\ubc00\ubc88\ud638|\ud328\uc2a4\uc6cc\ub4dc|\uc554\ud638|\ube44\ubc88"
_SEX_KO = "\ub0a8|\uc5ec"

# Where somebody lives: provinces and what they are called, city or county or ward, town or street, number; then what the number
# is of, and of these what nothing else has; flat and room.
_PROVINCE = (
    "\uc11c\uc6b8|\ubd80\uc0b0|\ub300\uad6c|\uc778\ucc9c|\uad11\uc8fc"
    "|\ub300\uc804|\uc6b8\uc0b0|\uc138\uc885|\uacbd\uae30|\uac15\uc6d0|\ucda9\ubd81|\ucda9\ub0a8|\ucda9\uccad|\uc804\ubd81|\uc804\ub0a8|\uc804\ub77c|\uacbd\ubd81|\uacbd\ub0a8|\uacbd\uc0c1|\uc81c\uc8fc"
)
_PROVINCE_SUFFIX = (
    "\ud2b9\ubcc4\uc2dc|\uad11\uc5ed\uc2dc|\ud2b9\ubcc4\uc790\uce58\uc2dc|\ud2b9\ubcc4\uc790\uce58\ub3c4"
    "|\ubd81\ub3c4|\ub0a8\ub3c4|\uc2dc|\ub3c4"
)
_CITY, _STREET = "\uc2dc|\uad70|\uad6c", "\uc74d|\uba74|\ub3d9|\uac00|\ub9ac|\ub85c|\uae38"
_OF_NUMBER, _OF_PLOT, _FLAT, _ROOM = (
    "\ubc88\uc9c0|\ubc88\uae38|\uae38|\ub3d9|\ud638|\uce35",
    "\ubc88\uc9c0|\ubc88\uae38",
    "\ub3d9",
    "\ud638",
)

_TITLES = "Mr|Mrs|Ms|Miss|Dr|Prof|Mx"
_PEOPLE = "patients?|clients?|physicians?|doctors?|guardians?|caregivers?|subjects?"
# What is said of patients in general, and is nobody's name.
_ORDINARY = (
    r"(?:not|no|is|was|were|are|has|had|have|with|without|for|from|to|of|in|on|at|by|and|or|the|a|an|already|found|missing|exists?"
    r"|records?|data|table|list|id|ids|model|view|form|page|api|service|portal|details?|requests?|could|cannot|can|must|does|do|did)\b"
)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_WORD = r"[^\s,;:()\[\]{}<>\"'/|=]+"
_DIGITS_AND_MASKS = r"[\d*xX\u25cf\u25cb]"
# Whatever separates the two halves of a number.
_GAP = r"[\s.\u00b7_/\u2010-\u2015\u2212-]{0,3}"

_PLOT = r"(?:\s{0,2}\d[\d-]{0,9}(?:" + _OF_NUMBER + r")?)"
_IN_CITY = r"(?:\s{0,2}" + _HANGUL + r"{1,6}(?:" + _CITY + r"))"
_IN_STREET = r"(?:\s{0,2}" + _HANGUL + r"{1,8}\d{0,4}(?:" + _STREET + r"))"
_DATE = (
    r"(?:\d{1,4}[-./\s]{1,2}(?:\d{1,2}|(?:" + _MONTHS + r")[a-z]{0,6})[-./,\s]{1,2}\d{1,4}"
    r"|(?:" + _MONTHS + r")[a-z]{0,6}\.?\s\d{1,2}(?:st|nd|rd|th)?,?\s\d{2,4})"
)
# Up to white space or the quotation mark at the end; an apostrophe may be a name's.
_IN_PATH = r"(?:[^\s\"'<>\\]|'(?=\w)|\\(?![\"']))"
# A name whose syllables stand apart.
_APART = r"(?<!" + _HANGUL + r")" + _HANGUL + r"(?:\s{1,2}" + _HANGUL + r"){1,3}"

_FORMS: tuple[tuple[str, str], ...] = (
    # Rows, as PostgreSQL and MySQL quote them in their errors: whatever is in brackets or quotes, and what comes after.
    (r"(\)\s*=\s*\().*", rf"\1{MASK}"),
    (r"(\brow contains\s*\(|\bvalues\s*\(|\bparameters:\s*).*", rf"\1{MASK}"),
    (r"(\bduplicate entry\s+|\binvalid input syntax\b[^:\n]{0,40}:\s*|\btruncated incorrect\b[^:\n]{0,40}:\s*).*", rf"\1{MASK}"),
    (r"(\b(?:insert into|update|delete from|select)\b[^\n]{0,200}?\b(?:values|set|where)\b).*", rf"\1 {MASK}"),
    # A credential or an account after its word, without a sign between.
    (
        r"((?:\b(?:passw(?:or)?d|passphrase|pwd|secret|token|identified by|api[ _-]?key|user|role|login|account)|"
        + _LOGIN_WORD_KO
        + r")\s{1,3})(?:\"[^\"\n]*(?:\"|$)|'[^'\n]*(?:'|$))",
        rf"\1{MASK}",
    ),
    (r"(--?(?:passw(?:or)?d|passphrase|pwd|secret|token|api-?key)(?:\s{1,3}|=))\S+", rf"\1{MASK}"),
    (r"(\b(?:passw(?:or)?d|passphrase|secret|token)\s+(?:is|was)\s+)\S+", rf"\1{MASK}"),
    (r"((?:" + _LOGIN_WORD_KO + r")" + _PARTICLE + r"\s{0,3}[:=]?\s{0,3})(?!\*\*\*)\S+", rf"\1{MASK}"),
    # A path says of whom by what comes after the word: all of it goes, for a name may be of several parts; but a file's ending.
    (
        r"(/(?:patients?(?:-?(?:ids?|info|details?|records?|charts?|profiles?))?|pts?|people|persons?|users?|members?|charts?|mrns?"
        r"|medical-?records?|records?|doctors?|guardians?|subjects?|"
        + _PEOPLE_KO
        + r")/)"
        + _IN_PATH
        + r"+?(\.(?:pdf|dcm|nii|zip|png|jpe?g|csv|json|html?|txt|log))?(?!"
        + _IN_PATH
        + r")",
        rf"\1{MASK}\2",
    ),
    # Numbers by which one is known, after their word.
    (_NUMBER_KO + r"\s?" + _NUMBER_WORD_KO + _PARTICLE + r"\s{0,3}[:=#]?\s{0,3}(?!\*\*\*)[\w*-]+", MASK),
    (
        r"\b(?:(?:mrn|rrn|ssn|emr|nhs)(?:\s?(?:no\.?|number|id))?|(?:patient|chart|case|record|accession|admission|insurance|policy"
        r"|passport|licen[cs]e|member)\s?(?:no\.?|number|id))\s{0,3}[:=#]?\s{0,3}#?(?=[a-z-]{0,6}\d)[\w-]+",
        MASK,
    ),
    # The resident registration number, also where a part of it is left out or masked already.
    (r"(?<!\d)\d{6}" + _GAP + r"[0-9](?:" + _DIGITS_AND_MASKS + r"){6}(?![\d*])", MASK),
    (r"(?<!\d)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\s?[\u2010-\u2015\u2212-]\s?[1-8](?![\d-])", MASK),
    # Dates: of the last century, with the word for being born, or after the word for a birthday.
    (r"(?<!\d)19\d\d\s?" + _YEAR + r"(?:\s?\d{1,2}\s?" + _MONTH + r"(?:\s?\d{1,2}\s?" + _DAY + r")?)?", MASK),
    (
        r"(?<!\d)\d{2,4}\s?(?:"
        + _YEAR
        + r"|[-./])\s?(?:\d{1,2}\s?(?:"
        + _MONTH
        + r"|[-./])\s?)?(?:\d{1,2}\s?"
        + _DAY
        + r"?)?\s?(?:"
        + _BORN_KO
        + r")",
        MASK,
    ),
    (
        r"((?:" + _BIRTHDAY_KO + r")" + _PARTICLE + r"\s{0,3}[:=]?\s{0,3})\d[\d\s./" + _YEAR + _MONTH + _DAY + r"-]{0,16}",
        rf"\1{MASK}",
    ),
    (
        r"(\b(?:born|birth(?: ?da(?:te|y))?|d\.?o\.?b\.?)\s{0,3}(?:on|is|was|in)?\s{0,3}[:=]?\s{0,3})[^\s;]*\d[^\s;]*",
        rf"\1{MASK}",
    ),
    (r"(?<![\w])" + _DATE + r"\s{0,2}[(,]?\s{0,2}(?:born|birth|d\.?o\.?b\b)", MASK),
    (r"(\bborn\s{0,3}(?:on|in)?\s{0,3}[:=]?\s{0,3})" + _DATE, rf"\1{MASK}"),
    (r"(?<!\d)\d{1,2}[-./]\d{1,2}[-./](?:19\d\d(?!\d)|\*{3})", MASK),
    # Addresses: from the province on, from the city on with a number, and by what only such a number is called.
    (
        r"(?:" + _PROVINCE + r")(?:" + _PROVINCE_SUFFIX + r")?" + _IN_CITY + r"{1,2}" + _IN_STREET + r"{0,3}" + _PLOT + r"{0,4}",
        MASK,
    ),
    (_HANGUL + r"{1,6}(?:" + _CITY + r")" + _IN_STREET + r"{1,3}" + _PLOT + r"{1,4}", MASK),
    (_HANGUL + r"{1,8}\d{0,4}(?:" + _STREET + r")\s{0,2}\d[\d-]{0,9}(?:" + _OF_PLOT + r")" + _PLOT + r"{0,3}", MASK),
    (r"\d{1,4}" + _FLAT + r"\s{0,2}\d{1,4}" + _ROOM, MASK),
    (
        r"\b(?:\d{1,2}(?:st|nd|rd|th)?[-\s./](?:"
        + _MONTHS
        + r")[a-z]{0,6}\.?|(?:"
        + _MONTHS
        + r")[a-z]{0,6}\.?[-\s./]\d{1,2}(?:st|nd|rd|th)?),?[-\s./]19\d\d(?!\d)",
        MASK,
    ),
    # Age and sex.
    (r"(?<![\w/])(?:(?:[mf]|" + _SEX_KO + r")\s?/\s?\d{1,3}|\d{1,3}\s?/\s?(?:[mf]|" + _SEX_KO + r"))(?![\w/])", MASK),
    (r"(?<![\d.])\d{1,3}\s?(?:" + _AGE_KO + r")(?!" + _HANGUL + r"{2})", MASK),
    # A quotation in Korean, as exceptions have it: a key, a value, a name. A name before sex and age; a number of an account.
    (rf"([\"'])[^\"'\n]*{_HANGUL}[^\"'\n]*\1", MASK),
    # All that an exception says.
    (
        r"(\b\w*(?:Error|Exception|Violation|DoesNotExist|NotFound|Warning|Failure):\s{1,2})" + _HANGUL + r"{2,5}(?=\s*$)",
        rf"\1{MASK}",
    ),
    (_HANGUL + r"{2,5}\s?(?=\(\s?(?:\*\*\*|(?:" + _SEX_KO + r")\b))", MASK),
    (r"\uacc4\uc88c\s?[:=]?\s?\d[\d-]{5,}", MASK),
    # Names, after the word for somebody or before it.
    (
        r"((?:" + _PEOPLE_KO + r"|" + _NAME_KO + r")" + _PARTICLE + r"\s{0,3}(?:[:=,]\s{0,3}|[(\[\"']{1,2})?)" + _APART,
        rf"\1{MASK}",
    ),
    (_APART + r"\s?(?=(?:" + _TITLE_KO + r")(?!\s?" + _NUMBER_WORD_KO + r"))", MASK),
    (r"(?<!" + _HANGUL + r")" + _HANGUL + r"(?:\s" + _HANGUL + r"){2}(?!\s?" + _HANGUL + r")", MASK),
    (
        r"((?:"
        + _PEOPLE_KO
        + r"|"
        + _NAME_KO
        + r")"
        + _PARTICLE
        + r"\s{0,3}(?:[:=,]\s{0,3}|[(\[\"']{1,2})?)(?!\*\*\*|"
        + _NUMBER_WORD_KO
        + r")"
        + _WORD,
        rf"\1{MASK}",
    ),
    (_HANGUL + r"{2,5}\s?(?=(?:" + _TITLE_KO + r")(?!\s?" + _NUMBER_WORD_KO + r"))", MASK),
    (r"(\b(?-i:" + _TITLES + r")\.?\s{1,3})(?-i:[A-Z])[\w'.-]*(?:\s{1,2}(?-i:[A-Z])[\w'.-]*){0,3}", rf"\1{MASK}"),
    (
        r"(\b(?:"
        + _PEOPLE
        + r")(?:'s)?\s{1,3}(?:name(?:d|\sis)?\s{1,3}|called\s{1,3})?[\"'(]?)(?!"
        + _ORDINARY
        + r")(?!\*\*\*)"
        + _WORD
        + r"(?:\s{1,2}(?-i:[A-Z])[\w'-]+){0,3}",
        rf"\1{MASK}",
    ),
    (
        r"(\b(?:named|name\sis|on behalf of)\s{1,3})(?!"
        + _ORDINARY
        + r")(?!\*\*\*)"
        + _WORD
        + r"(?:\s{1,2}(?-i:[A-Z])[\w'-]+){0,3}",
        rf"\1{MASK}",
    ),
    # The only one of its kind in an address is whoever may use that.
    (r"(?<=/)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", MASK),
)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE | re.MULTILINE), mask) for pattern, mask in _FORMS)


def without_people(text: str) -> str:
    """Return the text with what its own words say is somebody's replaced by `***`."""
    for pattern, mask in _COMPILED:
        text = pattern.sub(mask, text)
    return text
