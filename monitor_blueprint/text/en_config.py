"""The English catalogue's lines of a configuration that cannot be used, or is not in use yet."""

from __future__ import annotations

NOT_USABLE = (
    "has an error and cannot be used: {fault} - the monitor would not start again with it."
    " Look: sudo neuronova-monitor check-config"
)
NOT_APPLIED = (
    "the file was changed and is not in use yet ({path}). Look: sudo neuronova-monitor check-config,"
    " apply: sudo systemctl reload gunicorn_monitor"
)
WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": 'text ("...")',
    "bool": "true/false",
    "array": "a list ([...])",
    "object": "a table",
    "null": "null",
}
OR = " or "
MOST = {"<=": "{limit} at most", ">=": "{limit} at least", "<": "less than {limit}", ">": "more than {limit}"}
BOUND = "{key} must be {most}"
TYPE = "{key} must be {wanted} (now it is {given})"
EMPTY = "{key} is empty"
SENTENCES = {
    r"^(environment: .*?)\b([A-Z_]+) is not known": r"\1\2 is not known",
    r"^environment: ": "environment (monitor.env): ",
    r"not valid TOML: (.*?) ?\(at line (\d+), column (\d+)\)": r"not valid TOML, line \2 column \3 (\1)",
    r"not valid TOML: (.*?) ?\(at end of document\)": r"not valid TOML, end of the file (\1)",
    r"not valid TOML: ": "not valid TOML: ",
    r"cannot be read \((.*?)\); NEURONOVA_CONFIG must name a readable file": r"cannot be read (\1)",
    r'\bkey ("[^"]*"|\*\*\*|"\*\*\*") is not known': r"key \1 is not known",
    r'\b(\w+) ("[^"]*"|\*\*\*) is not known': r"\1 \2 is not known",
    r'did you mean ("[^"]*"|\w+)\?': r"did you mean \1?",
    r"; allowed: none$": "; allowed: none",
    r"Invalid enum value ('[^']*'|\*\*\*) - at `\$\.([\w.\[\]]+)`": r"\2 \1 is not known",
    r"`?warning`? must not be above `?critical`?": "warning must not be above critical",
    r": top level: ": ": top level: ",
    r"; allowed: ": "; allowed: ",
    r"\b(\w+) is missing\b": r"the key \1 is missing",
    r"Object missing required field `(\w+)`": r"the key \1 is missing",
    r"the name is taken; every check needs a name of its own": "the name is taken; every check needs a name of its own",
    r"must be written (\[\[\w+\]\]), with double brackets, once for each": (
        r"must be written \1, with double brackets, once for each"
    ),
    r"must be a table of keys and values": "must be a table of keys and values",
    r"depends_on names the check itself": "depends_on names the check itself",
    r"is there twice; each kind can be there once": "is there twice; each kind can be there once",
    r"is no name of a systemd unit, such as": "is no name of a systemd unit, such as",
    r"no \[\[check\]\] is configured.*": "no [[check]] is configured",
    r"\b(MONITOR_\w+) must be 16 to 256 letters, digits and \. _ ~ - \(or empty: one is made\)": (
        r"\1 must be 16 to 256 letters, digits and . _ ~ - (or empty: one is made)"
    ),
    r"\b(MONITOR_\w+) must be 16 to 256 letters, digits and \. _ ~ - \(or empty: there is none\)": (
        r"\1 must be 16 to 256 letters, digits and . _ ~ - (or empty: there is none)"
    ),
    r"\bMONITOR_STATS_TOKEN must be another one than MONITOR_ADMIN_TOKEN": (
        "MONITOR_STATS_TOKEN must be another one than MONITOR_ADMIN_TOKEN"
    ),
    r"\b(\w+) must be 127\.0\.0\.1:PORT or unix:/PATH \(or empty: ([^)]+)\)": (
        r"\1 must be 127.0.0.1:PORT or unix:/PATH (or empty: \2)"
    ),
    r"\b(\w+) must be an https:// URL \(http:// only to this machine itself\)": (
        r"\1 must be an https:// URL (http:// only to this server itself)"
    ),
    r"\b(\w+) must be an http:// or https:// URL": r"\1 must be an http:// or https:// URL",
    r"\b(\w+) must be a number from 1 to 65535": r"\1 must be a number from 1 to 65535",
    r"\b(\w+) must be one of (\w+(?:, \w+)*) \(or not set: used where the server offers it\)": (
        r"\1 must be one of \2 (or not set: used where the server offers it)"
    ),
    r"\b(\w+) must be a host name or an address \(HOST, HOST:PORT or \[ADDRESS\]:PORT\), without scheme": (
        r"\1 must be a host name or an address (HOST, HOST:PORT or [ADDRESS]:PORT), without scheme"
    ),
    r"\bSMTP_USER and SMTP_PASSWORD must both be set, or neither": "SMTP_USER and SMTP_PASSWORD must both be set, or neither",
    r"\b(\w+) goes on in the next line: is its closing quotation mark missing\?": (
        r"\1 goes on in the next line. See whether its closing quotation mark is there"
    ),
    r"\bALERT_EMAIL: number (\d+)": r"ALERT_EMAIL, address number \1",
    r" is no mail address \(several are separated by commas\)": ": no mail address (several are separated by commas)",
    r"\bALERT_EMAIL holds no address \(several are separated by commas\)": (
        "ALERT_EMAIL holds no address (several are separated by commas)"
    ),
    " has no domain, and only a mail server of this machine itself knows whom it means": (
        ": no @domain. Only a mail server of this server itself knows whom it means"
    ),
    r"\bSMTP_HOST and SMTP_PORT name different ports": "SMTP_HOST and SMTP_PORT name different ports",
    r"\bSMTP_TLS=none would send SMTP_PASSWORD in clear: use starttls or tls, or leave SMTP_USER out": (
        "SMTP_TLS=none would send SMTP_PASSWORD in clear. Use starttls or tls, or leave SMTP_USER out"
    ),
    r"\bthere is no file ([^;]+)": r"there is no file \1",
    r"\b(MONITOR_URL) must be where people open the monitor's pages, as (\S+) or (\S+),"
    r" without user, query and fragment \(or empty: messages have no link\)": (
        r"\1 must be where people open the monitor's pages: \2 or \3, without user, ? and # (or empty: messages have no link)"
    ),
    r'(\S+) and (\S+) must be two different local times such as ("[^"]*")': (
        r"\1 and \2 must be two different local times such as \3"
    ),
    r"\ba service needs `unit`, `url` or both": "a service needs unit, url or both",
    '`body` needs `method = "POST"`': 'body needs method = "POST"',
    r'(\S+) must be a local time such as ("[^"]*")': r"\1 must be a local time such as \2",
    r"(\S+) must be a text of 1 to 40 characters without blanks, quotes and \*": (
        r"\1 must be a text of 1 to 40 characters without blanks, quotes and *"
    ),
    r"(\S+) must be one line of 300 characters at most, or a link": r"\1 must be one line of 300 characters at most, or a link",
    r"\b(\w+) must be ([^;]+)": r"\1 must be \2",
}
