"""`neuronova-model pack`: a card out of an ONNX model and its data."""

from collections.abc import Sequence
from pathlib import Path

import click

from ml_server.cli.checking import tell
from ml_server.packing import Asked, PackingError, Wishes, pack_model
from ml_server.packing.form import Said, read_form
from ml_server.packing.outputs import ACTIVATIONS, TASKS
from ml_server.packing.saving import begin_form, save
from ml_server.packing.table import read_table
from ml_server.packing.unseen import Others

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("pack")
@click.argument("model", type=_FILE)
@click.option("--data", type=_FILE, required=True, help="CSV: the rows that the model was trained on, with a header.")
@click.option("--target", "targets", multiple=True, help="The column that is predicted; several times for several.")
@click.option("--reference", type=_FILE, help="CSV: what the original library predicts for the rows of --data (predict_proba).")
@click.option("--held-out", type=_FILE, help="CSV: rows that were not trained on, for honest scores.")
@click.option("--held-out-reference", type=_FILE, help="CSV: what the original library predicts for the rows of --held-out.")
@click.option("--name", required=True, help="The model's name: letters, digits and underscores.")
@click.option("--version", required=True, help="Such as 1.0.0.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("packed"), show_default=True)
@click.option("--describe", type=click.Path(dir_okay=False, path_type=Path), help="The form (TOML); else OUT/NAME/describe.toml.")
@click.option("--columns", multiple=True, metavar="[TENSOR=]A,B,C", help="What the model reads, in its order.")
@click.option("--classes", metavar="A,B,C", default="", help="The classes or labels, in the model's order.")
@click.option("--task", type=click.Choice(TASKS), help="Where it cannot be found.")
@click.option("--output", help="The name of the output that is read, where there are several.")
@click.option("--activation", type=click.Choice(ACTIVATIONS), help="What makes probabilities of the output, such as logits.")
def pack(
    *,
    model: Path,
    data: Path,
    targets: tuple[str, ...],
    reference: Path | None,
    held_out: Path | None,
    held_out_reference: Path | None,
    name: str,
    version: str,
    out: Path,
    describe: Path | None,
    columns: tuple[str, ...],
    classes: str,
    task: str | None,
    output: str | None,
    activation: str | None,
) -> None:
    """Write a card for MODEL, an ONNX file, out of its signature and its data.

    What only a person can say is asked in a form; fill it in and give the same command again.
    """
    form = describe or out / name / "describe.toml"
    wishes = Wishes(
        name=name,
        version=version,
        targets=targets,
        columns=dict(map(_columns, columns)),
        asked=Asked(task, output, activation, _names(classes)),
        said=read_form(form) if form.exists() else Said(),
        form=form.name,
    )
    if held_out_reference and not held_out:
        raise click.UsageError("--held-out-reference without --held-out: give the rows that it is for")
    tables = [None if path is None else read_table(path) for path in (reference, held_out, held_out_reference)]
    others = [Others("rows of --held-out", tables[1], tables[2])] if tables[1] and tables[2] else []
    try:
        packed = pack_model(
            model.read_bytes(), read_table(data), wishes, predictions=tables[0], held_out=tables[1], others=others
        )
    except PackingError as error:
        tell(list(error.findings))
        if begin_form(error, form):
            click.echo(f"The form that is spoken of was begun: {form}")
        click.echo(f"{name} {version}: not packed, {len(error.findings)} to mend")
        raise click.exceptions.Exit(1) from None
    click.echo(str(save(packed, out, form)))


def _columns(text: str) -> tuple[str, Sequence[str]]:
    """Return tensor and columns of `TENSOR=a,b,c`, or "" and the columns of `a,b,c`."""
    tensor, sign, names = text.rpartition("=")
    return (tensor if sign else ""), _names(names)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


COMMANDS = (pack,)
