"""The English catalogue's lines of alert channels that do not take what they are sent."""

from __future__ import annotations

TROUBLE = "{where}{reason}, since {since}, {pending} waiting, {next}, try it: sudo neuronova-monitor test-alert"
TROUBLE_KEPT = "{where}{reason}, since {since}, try it: sudo neuronova-monitor test-alert"
NEXT, NEXT_NOW, NO_NEXT = "next attempt {at}", "next attempt shortly", "next attempt with the next alert"
WHERE = "{server}: "
_CUT_OFF = "the server has cut the connection"
REASONS = {
    r"no answer within (\d+) s\b": r"no answer within \1 s",
    r"no connection within (\d+) s\b": r"no connection within \1 s",
    r"no end after (\d+) s\b": r"not sent to its end after \1 s",
    r"(TimeoutError: |timeout: )?timed out": "timed out",
    r"ConnectionRefusedError(: Connection refused)?": "connection refused",
    r"ConnectionResetError: Connection reset by peer": _CUT_OFF,
    r"(SMTPServerDisconnected|RemoteDisconnected|IncompleteRead)(: .*)?": _CUT_OFF,
    r"BrokenPipeError(: Broken pipe)?": _CUT_OFF,
    r"gaierror: Temporary failure in name resolution": "the name cannot be resolved (no answer from DNS)",
    r"gaierror(: .*)?": "the name cannot be resolved",
    r"OSError: Network is unreachable": "network unreachable",
    r"OSError: No route to host": "host unreachable",
    r"SSLCertVerificationError(: .*)?": "the certificate is not trusted",
    r"SSL\w*Error(: .*)?": "TLS connection failed",
    r"PermissionError(: .*)?": "no permission to send",
    r"the proxy refused: ": "the proxy refused: ",
    r"proxy: ": "proxy: ",
    r"(HTTP \d{3}.*), but not Slack's ok": r"\1, but not Slack's ok",
    r"STARTTLS failed: ": "STARTTLS failed: ",
    r"the server offers no STARTTLS, and without it nothing is sent": "the server offers no STARTTLS, so nothing is sent",
    r"no SMTP_HOST is set, and no mail server listens on this machine": (
        "SMTP_HOST is not set, and no mail server listens on this machine"
    ),
    r"unexpected (\w+)": r"unexpected \1",
    r"cannot be sent: (\w+)": r"an address that nothing can be sent to (\1)",
}
