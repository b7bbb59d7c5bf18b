"""What is said to whoever has typed a command wrongly: what is wrong, of which field, and what to type instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

import click

from monitor_blueprint.text import ko_commands

# What may have blanks in it.
_SENTENCES = ("words", "why", "by")


class Refusal(click.ClickException):
    """What was asked for cannot be done; `remedy` is what to do instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def told(error: click.ClickException) -> Iterator[str]:
    """Yield the lines."""
    if not isinstance(error, click.UsageError):
        yield ko_commands.ERROR.format(what=error.message)
        if isinstance(error, Refusal):
            yield ko_commands.REMEDY.format(remedy=error.remedy)
        return
    context = error.ctx
    yield ko_commands.ERROR.format(what=_what(error))
    if context is None:
        return
    usage = context.get_usage()
    for word, ours in ko_commands.USAGE_WORDS.items():
        usage = usage.replace(word, ours)
    yield ko_commands.USAGE.format(usage=usage)
    example = ko_commands.EXAMPLES.get(context.info_name or "")
    if example:
        yield ko_commands.EXAMPLE.format(example=example)
    yield ko_commands.MORE.format(command=context.command_path)


def near(word: str, known: Sequence[str]) -> str:
    """Return what was probably meant, in brackets; "" where nobody can tell."""
    by_small = {name.lower(): name for name in known}
    found = [by_small[name] for name in difflib.get_close_matches(word.lower(), by_small, 2)]
    return ko_commands.NEAR.format(names=", ".join(found)) if found else ""


def _what(error: click.UsageError) -> str:
    command = error.ctx.command if error.ctx is not None else None
    if isinstance(command, click.Group) and (wrong := re.match(r"No such command '(.*?)'\.", error.message)):
        names = list(command.commands)
        return ko_commands.NO_COMMAND.format(name=wrong[1], near=near(wrong[1], names), names=", ".join(sorted(names)))
    if isinstance(error, click.NoSuchOption):
        names = [name for param in command.params for name in param.opts if name.startswith("-")] if command else []
        return ko_commands.NO_OPTION.format(name=error.option_name, near=near(error.option_name, [*names, "--help"]))
    if isinstance(error, click.BadOptionUsage):
        hint = ko_commands.HINTS.get(error.option_name.lstrip("-"), "")
        return ko_commands.NO_VALUE.format(field=error.option_name, hint=hint)
    if isinstance(error, click.BadParameter):
        return _bad_value(error)
    if extra := re.match(r"Got unexpected extra arguments? \((.*)\)", error.message):
        has_words = command is not None and any(param.name in _SENTENCES for param in command.params)
        return (ko_commands.QUOTED if has_words else ko_commands.TOO_MANY).format(words=extra[1])
    return ko_commands.OTHER.format(what=error.message)


def _bad_value(error: click.BadParameter) -> str:
    param = error.param
    if not isinstance(error, click.MissingParameter):
        field = error.param_hint or (_called(param) if param is not None else "")
        return ko_commands.BAD_VALUE.format(field=field, why=error.message) if field else error.message
    if param is None:
        return ko_commands.OTHER.format(what=error.format_message())
    form = ko_commands.MISSING_OPTION if isinstance(param, click.Option) else ko_commands.MISSING
    return form.format(field=_called(param), hint=ko_commands.HINTS.get(param.name or "", ""))


def _called(param: click.Parameter) -> str:
    return param.opts[0] if isinstance(param, click.Option) else param.human_readable_name
