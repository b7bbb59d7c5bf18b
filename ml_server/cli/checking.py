"""Commands that change nothing: `verify` and `diff`."""

from pathlib import Path

import click
import msgspec

from ml_server.cli.places import entry_of, limits, settings
from ml_server.errors import BrokenModelError
from ml_server.verification import apart, comparison
from ml_server.verification.findings import Finding, refusals

_REFUSED = 1


@click.command()
@click.argument("model")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def verify(model: str, *, as_json: bool) -> None:
    """Try everything that serving does with MODEL: a directory with a model.json, or NAME/VERSION of an installed one."""
    entry = entry_of(model)
    found = apart.verify(entry, limits(settings()))
    if as_json:
        told = {
            "ok": not refusals(found),
            "name": entry.name,
            "version": entry.version,
            "digest": entry.digest,
            "findings": found,
        }
        click.echo(msgspec.json.encode(told).decode())
    else:
        tell(found)
        click.echo(f"{entry.name} {entry.version}: {_sum(found)} (digest {entry.digest[:12] or '-'})")
    if refusals(found):
        raise click.exceptions.Exit(_REFUSED)


@click.command()
@click.argument("old")
@click.argument("new")
@click.option(
    "--data", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A CSV file of people to ask about, too."
)
def diff(old: str, new: str, data: Path | None) -> None:
    """Compare what OLD and NEW answer on their golden samples: each is a directory, or NAME/VERSION of an installed one."""
    one, other = entry_of(old), entry_of(new)
    for each in (one, other):
        if each.card is None or each.error:
            raise BrokenModelError(f"{each.name} {each.version}: {each.error}")
    if one.card is None or other.card is None:
        return
    questions = comparison.golden_questions(one.card, other.card)
    if data is not None:
        rows = comparison.read_table(data, one.card)
        questions += [(f"row {number}", row) for number, row in enumerate(rows, start=1)]
    for line in comparison.report(one, other, comparison.compare(one, other, questions, limits(settings()))):
        click.echo(line)


def tell(findings: list[Finding]) -> None:
    """Print findings, with what was found, what was wanted, and what to do."""
    for finding in findings:
        click.echo(f"{'warning' if finding.is_warning else 'REFUSED'}  {finding.field}")
        click.echo(f"    found:  {finding.found}")
        click.echo(f"    wanted: {finding.wanted}")
        click.echo(f"    remedy: {finding.remedy}")


def _sum(found: list[Finding]) -> str:
    refused = len(refusals(found))
    warnings = len(found) - refused
    told = f"REFUSED, {refused} finding{'s' if refused > 1 else ''}" if refused else "may be served"
    return f"{told}, {warnings} warning{'s' if warnings > 1 else ''}" if warnings else told


COMMANDS = (verify, diff)
