"""``speaker-runtime``: ``serve``, and what is done with models."""

from pathlib import Path
from typing import Annotated

import typer

from speaker_runtime.contract import CONFIG_DIRECTORY, HTTP_PORT, MODEL_DIRECTORY

app = typer.Typer(
    name="speaker-runtime",
    help="Serve speech over an OpenAI-compatible API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
model = typer.Typer(help="Manage the model's files.", no_args_is_help=True)
app.add_typer(model, name="model")

ConfigDirectory = Annotated[
    Path, typer.Option("--config", help="Directory with config.json and voices.json.")
]

BundleFile = Annotated[Path, typer.Argument(help="Tar file with a whole model.")]


# The commands import what they need themselves: each starts without the other's libraries.


@app.command()
def serve(
    config: ConfigDirectory = CONFIG_DIRECTORY,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")
    ] = HTTP_PORT,
) -> None:
    """Load the model and answer requests until SIGTERM."""
    from speaker_runtime.cli.serve import run  # noqa: PLC0415

    raise typer.Exit(run(config, host, port))


@model.command()
def fetch(config: ConfigDirectory = CONFIG_DIRECTORY) -> None:
    """Bring the model's files from model.source into model.directory, and check them."""
    from speaker_runtime.cli import models  # noqa: PLC0415

    raise typer.Exit(models.fetch(config))


@model.command()
def fill(
    source: Annotated[str, typer.Argument(help="Address of the model.")],
    directory: Annotated[Path, typer.Argument(help="Where its files are to lie.")],
    backend: Annotated[
        str | None,
        typer.Option(
            help="Backend that the model is for, where it loads other files than are published."
        ),
    ] = None,
    accept_license: Annotated[
        str | None, typer.Option(help="Licence that is accepted, by name.")
    ] = None,
    capacity: Annotated[
        int | None, typer.Option(min=0, help="Bytes of the volume, if it is no file system.")
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Where to answer how far it is; nowhere unless given."
        ),
    ] = None,
) -> None:
    """Bring a model's files into a cache that several services share, and check them."""
    from speaker_runtime.cli import models  # noqa: PLC0415
    from speaker_runtime.contract import ModelConfig  # noqa: PLC0415

    model = ModelConfig(source=source, directory=directory, accept_license=accept_license)
    raise typer.Exit(models.fill(model, backend, capacity, status))


@model.command()
def verify(config: ConfigDirectory = CONFIG_DIRECTORY) -> None:
    """Compare every byte in model.directory with its digest."""
    from speaker_runtime.cli import models  # noqa: PLC0415

    raise typer.Exit(models.verify(config))


@model.command("list")
def list_models(
    cache: Annotated[
        Path, typer.Argument(help="Folder whose folders are models.")
    ] = MODEL_DIRECTORY,
) -> None:
    """Print the models of a cache: source, digest, directory and bytes."""
    from speaker_runtime.cli import models  # noqa: PLC0415

    raise typer.Exit(models.list_models(cache))


@model.command()
def pack(bundle: BundleFile, config: ConfigDirectory = CONFIG_DIRECTORY) -> None:
    """Write the fetched model into one file, to be loaded where there is no network."""
    from speaker_runtime.cli import models  # noqa: PLC0415

    raise typer.Exit(models.pack(config, bundle))


@model.command()
def load(bundle: BundleFile, config: ConfigDirectory = CONFIG_DIRECTORY) -> None:
    """Install a file that `pack` wrote into model.directory, and check it; no network is used."""
    from speaker_runtime.cli import models  # noqa: PLC0415

    raise typer.Exit(models.load(config, bundle))


def main() -> None:
    """The console script."""
    app()
