"""The command line ``speaker-tts``: serve YAML on this machine, and turn text into files."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Annotated, Final, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from speaker_tts.client import AUDIO_FORMATS, DEFAULT_URL, AudioFormat, Sampling, SpeechClient
from speaker_tts.errors import SpeakerError
from speaker_tts.local.process import LocalRuntime, local_runtime
from speaker_tts.local.service import (
    default_service,
    load_documents,
    require_runtime,
    resolve,
)

app = typer.Typer(
    name="speaker-tts",
    help="Speech services, declared as YAML and spoken over an OpenAI-compatible API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_err: Final = Console(stderr=True, highlight=False)
_out: Final = Console(highlight=False, soft_wrap=True)


class _Interrupted(Exception):
    """Ctrl-C or SIGTERM."""


@app.command()
def up(
    file: Annotated[
        Path, typer.Option("--file", "-f", help="YAML with one TTSService and its Voices.")
    ],
    service: Annotated[
        str | None, typer.Option(help="Which TTSService, if the file has several.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8080,
    say: Annotated[str | None, typer.Option(help="Speak this as soon as it is ready.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where --say goes; its suffix is the format.")
    ] = Path("hello.wav"),
    once: Annotated[bool, typer.Option("--once", help="End after --say.")] = False,
) -> None:
    """Serve the YAML that a cluster would get, on this machine."""
    if once and say is None:
        raise typer.BadParameter("--once ends after --say: say something, or leave --once out.")
    require_runtime("Serving on this machine")
    started = time.monotonic()
    local = resolve(load_documents(file), service)
    if local.unused:
        _err.print(f"Only a cluster uses {', '.join(local.unused)}: not applied here.")
    for problem in local.problems:
        _warn(problem)
    with (
        _interrupts(),
        local_runtime(local, host=host, port=port) as runtime,
    ):
        _wait_ready(runtime, local.config.backend)
        if say is not None:
            _save(runtime.url, say, output, voice="alloy")
        _out.print(f"\n{local.config.service} is ready ({time.monotonic() - started:.1f} s)\n")
        _out.print(_invitation(runtime.url))
        if not once:
            _out.print("\nCtrl-C stops it.")
            ended = runtime.wait()
            raise typer.Exit(ended)


@app.command()
def generate(
    text: Annotated[str, typer.Argument(help="What to say; - reads it from standard input.")],
    voice: Annotated[
        str, typer.Option(help="Voice, alias, preset or OpenAI voice name.")
    ] = "alloy",
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write; - is standard output.")
    ] = Path("speech.mp3"),
    audio_format: Annotated[
        str | None,
        typer.Option("--format", help=f"{', '.join(AUDIO_FORMATS)}; else by the file's suffix."),
    ] = None,
    model: Annotated[str, typer.Option(help="Model name, see GET /v1/models.")] = "tts-1",
    speed: Annotated[
        float | None, typer.Option(min=0.25, max=4.0, help="Pace; 1 is the voice's own.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Another one gives another reading of the text.")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="How lively, from 0.05 to 2, where the model draws from chance (as with the next "
            "three; else the voice's own, or the model's)."
        ),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(help="Draw from so many of the likeliest; 0 is all.")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Draw from the likeliest of this probability together.")
    ] = None,
    repetition_penalty: Annotated[
        float | None, typer.Option(help="From 1 (none) to 20, for what was said before.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="SPEAKER_TTS_URL",
            help=f"Address of the service. Without it {DEFAULT_URL} is asked, and if nobody is "
            "there, a runtime is started for this one request.",
        ),
    ] = None,
) -> None:
    """Turn text into an audio file."""
    if text == "-":
        text = sys.stdin.read()
    with _interrupts(), _service_at(url) as address:
        _save(
            address,
            text,
            output,
            voice=voice,
            audio_format=audio_format,
            model=model,
            speed=speed,
            seed=seed,
            sampling=_sampling(
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                repetition_penalty=repetition_penalty,
            ),
        )


@app.command("version")
def show_version() -> None:
    """Print the version."""
    _out.print(version("speaker-tts"))


def main() -> None:
    """Run the command line; every expected failure ends as one sentence and an exit code."""
    try:
        app()
    except SpeakerError as error:
        _err.print(f"[bold red]Error:[/] {escape(str(error))}")
        sys.exit(error.exit_code)
    except _Interrupted:
        sys.exit(0)


@contextmanager
def _interrupts() -> Iterator[None]:
    """Turn SIGTERM and Ctrl-C into an exception, so that the runtime is stopped on the way out."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise _Interrupted

    before = {s: signal.signal(s, interrupt) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _service_at(url: str | None) -> Iterator[str]:
    """Give the address asked for, the default's if somebody is there, or a runtime of our own."""
    if url is not None:
        yield url
        return
    with SpeechClient(DEFAULT_URL) as client:
        running = client.phase() == "ready"
    if running:
        yield DEFAULT_URL
        return
    require_runtime(f"Nobody answers at {DEFAULT_URL}, and no --url is given; serving it here")
    with local_runtime(default_service(), host="127.0.0.1", port=0) as runtime:
        _wait_ready(runtime, "a runtime for this request")
        yield runtime.url


def _wait_ready(runtime: LocalRuntime, what: str) -> None:
    with _err.status(f"Starting {what} …") as status:
        runtime.wait_ready(lambda phase: status.update(f"Starting {what}: {phase} …"))


def _save(
    url: str,
    text: str,
    output: Path,
    *,
    voice: str,
    audio_format: str | None = None,
    model: str = "tts-1",
    speed: float | None = None,
    seed: int | None = None,
    sampling: Sampling | None = None,
) -> None:
    """Stream the speech into ``output``; a file that is not whole never takes its name."""
    chosen = _format_of(output, audio_format)
    with SpeechClient(url) as client:
        pieces = client.stream(
            text,
            voice=voice,
            model=model,
            response_format=chosen,
            speed=speed,
            seed=seed,
            sampling=sampling,
            on_warning=_warn,
        )
        if str(output) == "-":
            for piece in pieces:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
            return
        partial = output.with_name(output.name + ".part")
        try:
            _write(pieces, partial)
            partial.replace(output)
        except OSError as error:
            raise SpeakerError(f"{output} cannot be written: {error.strerror}.") from error
        finally:
            partial.unlink(missing_ok=True)


def _sampling(**given: float | None) -> Sampling:
    """What is given of the parameters of chance; the service says what is wrong with it."""
    return cast("Sampling", {name: value for name, value in given.items() if value is not None})


def _warn(warning: str) -> None:
    _err.print(f"[yellow]Warning:[/] {escape(warning)}")


def _write(pieces: Iterator[bytes], path: Path) -> None:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    final = path.with_suffix("")
    with path.open("wb") as sink, Progress(*columns, console=_err) as progress:
        task = progress.add_task(f"{final}")
        written = 0
        for piece in pieces:
            sink.write(piece)
            written += len(piece)
            progress.update(task, description=f"{final} {written / 1000:.0f} kB")


def _format_of(output: Path, audio_format: str | None) -> AudioFormat:
    name = audio_format or output.suffix.removeprefix(".") or "mp3"
    for known in AUDIO_FORMATS:
        if name == known:
            return known
    raise typer.BadParameter(
        f"{name!r} is no audio format: use {', '.join(AUDIO_FORMATS)} (by --format or the "
        "file's suffix)."
    )


def _invitation(url: str) -> str:
    curl = (
        f"curl {url}/v1/audio/speech -H 'Content-Type: application/json' \\\n"
        '    -d \'{"model": "tts-1", "voice": "alloy", "input": "Hello there!"}\' -o speech.mp3'
    )
    return f"  API   {url}/v1\n  Docs  {url}/docs\n  Try   {escape(curl)}"


if __name__ == "__main__":
    main()
