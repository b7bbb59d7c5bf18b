"""People in the names of files and folders: what a scan, an upload or an export is called after.

A path says where to look, so that it is kept: its folders, and of a name that may be somebody's the ending. What is taken out is
a Korean word that is none of those that files are ordinarily called by, whatever comes after `patient_` or `pt-`, a number as
long as that of a chart, and a date of birth. Bytes that somebody has written as figures (\\xed, \\355, \\ud64d) nobody reads as
a name, but everybody can.
"""

from __future__ import annotations

import re

from monitor_blueprint.domain.personal import MASK

# With its single letters, and the other signs in which a name may be written.
_HANGUL = "[\uac00-\ud7a3\u1100-\u11ff\u3131-\u318e\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
_NO_LETTER = r"[\W_]"
# What files are ordinarily called by, also put together: backup, material, photo, document, scan, log, record, examination,
# result, patient, data, and so on; and what a rate is of: minute, second, hour.
_ORDINARY_KO = (
    "\ubc31\uc5c5|\uc790\ub8cc|\uc0ac\uc9c4|\ubb38\uc11c|\uc601\uc0c1|\ub85c\uadf8|\uae30\ub85d|\uac80\uc0ac"
    "|\uacb0\uacfc|\ud658\uc790|\ub370\uc774\ud130|\uacf5\uc720|\uc784\uc2dc|\ubcf4\uad00"
    "|\ub2e4\uc6b4\ub85c\ub4dc|\uc5c5\ub85c\ub4dc|\ubc14\ud0d5\ud654\uba74|\ud30c\uc77c|\ud3f4\ub354"
    "|\uba54\ubaa8\ub9ac|\ub514\uc2a4\ud06c|\ubaa8\ub378|\uc11c\ubc84|\uc124\uc815|\uc815\uc0c1|\uc624\ub958"
    "|\uacbd\uace0|\uc704\ud5d8|\uc6d0\ubcf8|\uc0ac\ubcf8|\ubcf5\uc0ac\ubcf8|\ucd5c\uc885|\ud14c\uc2a4\ud2b8"
    "|\uc5f0\uad6c|\ud1b5\uacc4|\ubcf4\uace0\uc11c|\ubaa9\ub85d|\uc6d4\ubcc4|\uc77c\ubcc4"
    "|\ud504\ub85c\uadf8\ub7a8|\uc2dc\uc2a4\ud15c|\ud734\uc9c0\ud1b5|\uc9c4\ub8cc|\ubcd1\uc6d0|\ucc98\ubc29"
    "|\ud310\ub3c5|\uc811\uc218|\uc774\ubbf8\uc9c0|\uc758\uc0ac|\uace0\uac1d|\ud68c\uc6d0|\ubcf4\ud638\uc790"
    "|\ud53c\ud5d8\uc790|\ub2f4\ub2f9\uc758|\ubd84|\ucd08|\uc2dc\uac04"
)
# Particles that a sentence puts after a path: object, subject, topic, "in", "of", "to", and so on.
_PARTICLE = (
    "\uc744|\ub97c|\uc774|\uac00|\uc740|\ub294|\uc5d0|\uc758|\ub85c|\uc73c\ub85c|\uc5d0\uc11c|\uc5d0\ub294"
    "|\uc5d0\ub3c4|\uc640|\uacfc|\ub3c4|\ub9cc|\uae4c\uc9c0|\ubd80\ud130|\uc785\ub2c8\ub2e4|\ucc98\ub7fc"
    "|\ubcf4\ub2e4"
)
# What a number is of: cases, times, pieces, persons, seconds, minutes, and so on.
_COUNTER = (
    "\uac74|\ud68c|\uac1c|\ubc88|\uba85|\ucd08|\ubd84|\uc2dc\uac04|\uc77c|\uc8fc|\uac1c\uc6d4|\uc6d4"
    "|\ub144|\ub300|\uc810|\ud589|\uc904|\ucabd|\ubc14\uc774\ud2b8|\ucc28"
)
_ORDINARY_RUN = re.compile(rf"(?:{_ORDINARY_KO})+")
_RUN = re.compile(rf"{_HANGUL}+")
_AFTER_WORD = re.compile(rf"(?<=[A-Za-z0-9*])(?:(?<=\d)(?:{_COUNTER}))?(?:{_PARTICLE})?(?={_NO_LETTER}|$)")
_ENDING = (
    r"(?:\.(?:dcm|dicom|nii|gz|zip|7z|tar|tgz|rar|jpe?g|png|gif|bmp|tiff?|pdf|csv|tsv|xlsx?|docx?|pptx?|hwpx?|rtf|txt|json|xml"
    r"|html?|log|sql|dump|db|sqlite3?|edf|bdf|mp[34]|avi|mov|wav|npy|npz|h5|mat|parquet|bak|tmp|part|eml)(?![A-Za-z0-9]))"
)
# A path, or a name that has more than one part or an ending: a word without spaces and quotation marks.
_NAME = re.compile(r"[^\s\"'`<>|=,;()\[\]{}]+")
_PARTS = re.compile(r"[/\\]")
_IS_PATH = re.compile(r"[A-Za-z]:\\|[~.\w-]*[/\\]", re.ASCII)
_HAS_JOINT = re.compile(rf"{_HANGUL}[_-]+\w|[A-Za-z0-9][_-]+{_HANGUL}")
_IS_DATA = re.compile(rf".*{_ENDING}(?:{_PARTICLE})?\W*", re.IGNORECASE)
_AT_END = re.compile(rf"{_ENDING}(?:{_PARTICLE})?\W*$", re.IGNORECASE)
# A name with spaces in it, up to its ending.
_LETTERS = r"[^\s\"'`<>|=,;/]"
_SPACED = re.compile(
    rf"(?<=[/\\])(?P<first>{_LETTERS}*{_HANGUL}{_LETTERS}*)(?:[ \t]{{1,2}}{_LETTERS}{{1,40}}?){{1,4}}?(?={_ENDING})",
    re.IGNORECASE,
)
_SPACED_AT_END = re.compile(rf"(?<=[/\\]\*\*\*)(?:[ \t]{_HANGUL}{{1,4}}(?=[\s_/.-]|$)){{1,3}}")
_PATIENT = re.compile(r"(?<![A-Za-z])(?P<word>(?:patients?|pts?)[_-]+)(?P<rest>[^\s/\\\"'`<>|=,;:()\[\]{}]+)", re.IGNORECASE)
_GLUED_PATIENT = re.compile(r"(?<![A-Za-z])(?P<word>patient)(?P<rest>(?!s?[_.-])[A-Za-z0-9][\w.-]*)", re.IGNORECASE)
_BETWEEN = re.compile(r"[_.-]+")
# After the word for a patient: words of programs and tables, of a set of tools (pt-query-digest), and of languages (pt_BR).
_ORDINARY_WORDS = """
    id ids uuid key keys no num number name names record records data dataset datasets table tables list lists model models view
    views form forms page pages api apis service server portal detail details admin serializer serializers test tests urls image
    images scan scans upload uploads file files info search create update delete index count app db schema queue task tasks
    worker sync export exports import imports manager monitor management registry history visit visits status backup backups log
    logs report reports result results summary all age sex gender weight height birth phone address email first last full
    br pt archiver query online stalk kill osc slave show heartbeat upgrade duplicate deadlock config mysql diskstats fk ioprofile
    mext pmp sift variable visual digest
"""
_ORDINARY = frozenset(_ORDINARY_WORDS.split())
_CODE = re.compile(
    r"\.(?:py|pyc|js|ts|jsx|tsx|css|so|service|timer|socket|target|conf|toml|ya?ml|sock|sh|java|go|rb|php|c|cc|h)\b"
)
# As long as a chart's; not a port.
_LONG_NUMBER = re.compile(r"(?<![\d:])\d{5,}(?!\d)")
_BIRTH = re.compile(r"(?<!\d)(?:19\d\d|20[01]\d)([-_.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])(?!\d)")
# Letters written as figures: bytes, code points, entities of HTML; and what a mail has in its headers (RFC 2047).
_FIGURES = (
    r"(?:(?:\\{1,4}x[89a-f][0-9a-f]){2,}|(?:\\{1,4}[23][0-7]{2}){2,}|\\{1,4}u(?:1[01]|3[01]|[4-9a-d][0-9a-f])[0-9a-f]{2}"
    r"|\\{1,4}[xu]\{[4-9a-d][0-9a-f]{3}\}|<?U\+[4-9a-d][0-9a-f]{3}>?|&#(?:x[4-9a-d][0-9a-f]{3}|[1-5]\d{4});)"
)
_WRITTEN_BYTES = re.compile(
    rf"(?<![\w.~-])[\w.~-]*{_FIGURES}(?:{_FIGURES}|[\w.~\\-])*|=\?[\w-]{{1,20}}\?[bq]\?[^?\s]*\?=", re.IGNORECASE
)
# What comes with the system, and is not called after anybody.
_SYSTEM = ("/usr/", "/lib", "/etc/", "/boot/", "/dev/", "/sys/")


def without_named_files(line: str) -> str:
    """Return a line with what names somebody in its paths and names of files replaced by `***`."""
    line = _WRITTEN_BYTES.sub(MASK, line)
    return _SPACED_AT_END.sub("", _NAME.sub(_without_names, _SPACED.sub(_first_word, line)))


def _first_word(match: re.Match[str]) -> str:
    return match.group() if _is_ordinary(match["first"]) else match["first"]


def _without_names(match: re.Match[str]) -> str:
    word = match.group()
    is_file = _IS_PATH.match(word) is not None or _IS_DATA.fullmatch(word) is not None
    if not (is_file or _HAS_JOINT.search(word) or _PATIENT.search(word)):
        return word
    marks = [*_PARTS.findall(word), ""]
    is_file = is_file and not word.startswith(_SYSTEM)
    parts = [_part(part, is_file=is_file) for part in _PARTS.split(word)]
    return "".join(part + mark for part, mark in zip(parts, marks, strict=True))


def _part(part: str, *, is_file: bool) -> str:
    if not _is_ordinary(_AFTER_WORD.sub("", part)):
        return _masked(part)
    if not _CODE.search(part):
        part = _PATIENT.sub(_without_who, part)
        if is_file and _IS_DATA.fullmatch(part):
            part = _GLUED_PATIENT.sub(_without_who, part)
    return _LONG_NUMBER.sub(MASK, _BIRTH.sub(MASK, part)) if is_file else part


def _is_ordinary(part: str) -> bool:
    """Tell whether every Korean word in a part of a path is one that files are ordinarily called by."""
    return all(_ORDINARY_RUN.fullmatch(run) for run in _RUN.findall(part))


def _without_who(match: re.Match[str]) -> str:
    rest = match["rest"]
    words = [word for word in _BETWEEN.split(_AT_END.sub("", rest).lower()) if word and not word.isdigit()]
    # Of a file of data every word has to be one of those, of an identifier the first.
    wanted = words if _AT_END.search(rest) else words[:1]
    is_known = wanted and all(word in _ORDINARY for word in wanted)
    return match.group() if is_known or MASK in rest else match["word"] + _masked(rest)


def _masked(part: str) -> str:
    ending = _AT_END.search(part)
    return MASK + (ending.group() if ending else "")
