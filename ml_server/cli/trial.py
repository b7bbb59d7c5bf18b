"""Commands about the silent trial: `trial start`, `trial status`, `trial stop`."""

import http
from collections.abc import Iterator

import click
import msgspec

from ml_server import trial_store
from ml_server.cli.checking import tell
from ml_server.cli.places import ModelName, VersionNumber, settings, store
from ml_server.cli.served import ask
from ml_server.silent.report import Against, Bin, Latency, Report
from ml_server.store import RefusedModelError, StoreError

_SHORT = 12
_MOST_PAIRS = 20


class _Answer(msgspec.Struct, frozen=True):
    trial: Report | None


_ANSWER = msgspec.json.Decoder(_Answer)


_WHY = {
    "not_given": "inputs that it needs were not given",
    "invalid_request": "refused by its card",
    "model_fault": "it had no answer",
    "prediction_timeout": "it took too long",
    "not_comparable": "its answers are of another kind",
    "busy": "it could not keep up",
    "away": "its process was not there",
    "large": "the request was too large",
}


@click.group()
def trial() -> None:
    """Have a second version answer what is asked, silently, and compare its answers."""


@trial.command()
@click.argument("name", type=ModelName())
@click.argument("version", type=VersionNumber())
def start(name: str, version: str) -> None:
    """Verify VERSION of NAME and put it on silent trial beside the one that is due."""
    try:
        entry, due, findings = trial_store.start_trial(store(is_changed=True), name, version)
    except RefusedModelError as error:
        tell(error.findings)
        raise StoreError(f"{error.what} is refused: nothing was changed") from error
    tell(findings)
    click.echo(f"on trial: {name} {version} {entry.digest[:_SHORT]}, compared with {due.version} {due.digest[:_SHORT]}")
    click.echo("A server that has ML_STATE_DIR begins within a second: neuronova-model trial status")


@trial.command()
def stop() -> None:
    """End the silent trial; what came of it stays for `status`."""
    ended = trial_store.stop_trial(store(is_changed=True))
    click.echo(f"ended: {ended.name} {ended.version}" if ended else "ended; the file did not say what was on trial")


@trial.command()
def status() -> None:
    """Say what came of the silent trial so far, or of the last one."""
    known = settings()
    found = ask(known, "/trial")
    if isinstance(found, str):
        raise StoreError(f"the server cannot be asked: {found}; start it, or set ML_BIND as the server has it")
    if found[0] != http.HTTPStatus.OK:
        raise StoreError(f"the server answers {found[0]} at {known.bind}: {_reason(found[1])}")
    told = _ANSWER.decode(found[1]).trial
    if told is None:
        click.echo("no version is or was on silent trial")
        return
    for line in _lines(told):
        click.echo(line)


def _reason(body: bytes) -> str:
    try:
        return str(msgspec.json.decode(body)["error"])
    except (msgspec.MsgspecError, LookupError, TypeError):
        return "another program answers there"


def _lines(told: Report) -> Iterator[str]:
    until = "" if told.is_running else f" to {told.ended_at or 'its end, which the server has not noticed yet'}"
    yield f"{told.name} {told.version} {told.digest[:_SHORT]}: on silent trial {'since' if told.is_running else 'from'} " + (
        f"{told.started_at}{until}"
    )
    if told.is_running:
        yield f"  counting: {told.workers} workers; the process of the trial was started {told.process_starts} times"
    if told.problem:
        yield f"  IT DOES NOT RUN: {told.problem}"
    if not told.against:
        yield "  no prediction so far"
    for each in told.against:
        yield from _lines_against(each)


def _lines_against(each: Against) -> Iterator[str]:
    yield f"  against {each.version} {each.digest}: {each.predictions} predictions"
    yield f"    compared {each.compared:>10}"
    yield from _reasons("failed", each.failed)
    yield from _reasons("skipped", each.skipped)
    yield f"    lost     {each.lost:>10}  with a process that ended"
    yield f"    waiting  {each.waiting:>10}"
    if each.agreement is not None:
        share = each.agreement
        yield f"  the same decision: {share.count} of {share.of}, {_percent(share.share)} " + (
            f"(95 % interval {_percent(share.low)} to {_percent(share.high)})"
        )
    if each.confusion:
        yield f"  {each.version} said -> it said"
        pairs = sorted(each.confusion, key=lambda pair: -pair.count)
        yield from (f"    {pair.count:>10}  {pair.active} -> {pair.candidate}" for pair in pairs[:_MOST_PAIRS])
        if len(pairs) > _MOST_PAIRS:
            yield f"    {sum(pair.count for pair in pairs[_MOST_PAIRS:]):>10}  in {len(pairs) - _MOST_PAIRS} other pairs"
    if each.compared:
        yield "  the answers are apart by"
        yield from (f"    {each_bin.count:>10}  {_size(each_bin)}" for each_bin in each.differences if each_bin.count)
        yield f"  time: {each.version} {_ms(each.active)} (whole request); it {_ms(each.candidate)} (of the processor)"


def _reasons(word: str, counts: dict[str, int]) -> Iterator[str]:
    yield f"    {word:<8} {sum(counts.values()):>10}"
    yield from (f"      {count:>10}  {_WHY.get(reason, reason)}" for reason, count in counts.items())


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _size(each: Bin) -> str:
    return "nothing" if each.at_most == 0 else "more" if each.at_most is None else f"at most {each.at_most:g}"


def _ms(latency: Latency) -> str:
    return f"median {latency.p50_ms:g} ms, 99 % within {latency.p99_ms:g} ms" if latency.p50_ms and latency.p99_ms else "-"


COMMANDS = (trial,)
