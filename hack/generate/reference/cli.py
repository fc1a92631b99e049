"""docs/reference/cli.md, from the commands themselves."""

from typing import Final

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from generate.reference.markdown import table
from speaker_tts.cli import app

INTRODUCTION: Final = """# The command line

Written by `make generate` from the commands themselves.
"""


def page() -> str:
    """Describe every command of speaker-tts."""
    group = typer.main.get_command(app)
    if not isinstance(group, TyperGroup):
        raise TypeError("speaker-tts has subcommands")
    commands = group.commands.items()
    return "\n".join(
        [INTRODUCTION, *(_command(n, c) for n, c in commands if isinstance(c, TyperCommand))]
    )


def _command(name: str, command: TyperCommand) -> str:
    rows = [
        (_spelling(p), _default(p), p.help or "")
        for p in command.params
        if isinstance(p, TyperArgument | TyperOption) and p.name != "help"
    ]
    parts = [f"## speaker-tts {name}\n", f"{command.help}\n"]
    if rows:
        parts.append(table(("option", "default", "meaning"), rows))
    return "\n".join(parts)


def _spelling(parameter: TyperArgument | TyperOption) -> str:
    if isinstance(parameter, TyperArgument):
        return f"`{parameter.name}`"
    return ", ".join(f"`{spelling}`" for spelling in parameter.opts)


def _default(parameter: TyperArgument | TyperOption) -> str:
    if parameter.required:
        return "required"
    return f"`{parameter.default}`" if parameter.default not in {None, False} else ""
