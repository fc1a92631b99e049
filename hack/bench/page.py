"""``docs/benchmarks.md``, written from what the last runs left in ``build/bench``."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from bench.report import FOLDER

PAGE: Final = Path("docs/benchmarks.md")
TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "throughput": "What the server costs",
        "serving": "How the server feels",
        "gateway": "What a gateway adds",
        "peer": "Against a peer",
        "soak": "Under abuse",
    }
)
METHODS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "throughput": "The bare loop is the embedded voice's library and the encoder in one "
        "process, text after text, one inference thread. The server has one inference thread, too. "
        "Both speak the same texts with the same seeds and take turns; a value is the median of "
        "the pairs' ratios. Nothing is cached. The load generator runs on the same cores.",
        "serving": "One server with the embedded voice, clients on the same machine. "
        "In the flood, 4 interactive clients that pause between requests share the server with "
        "4 normal and 8 batch clients that never do.",
        "gateway": "One server whose answer is cached, and a gateway in front of it, on one "
        "machine: the same short order goes straight and through the gateway in turns, over a kept "
        "connection each, and the value is the median of the pairs' differences.",
        "peer": "The peer is kokoro-onnx 0.6.1 behind FastAPI: each request streams what its "
        "`create_stream` gives, with its default session, and its own text to phonemes (espeak). "
        "Ours runs as many copies as is its default. Same weights, same "
        "onnxruntime, same texts of 1, 2 and 4 sentences, 16-bit PCM. Both are up and take turns; "
        "the other one sleeps meanwhile. Throughput counts characters of text, since the peer "
        "trims silence that ours keeps.",
        "soak": "12 clients ask for 36 orders of every format, 15 % go away in the middle, "
        "Schemathesis and Hypothesis send bad input beside them, and the server is told to end "
        "under load every 45 s. Every complete answer is compared, byte for byte, with what the "
        "same order gave alone.",
    }
)


def write(folder: Path = FOLDER, page: Path = PAGE) -> None:
    """Write the page from the JSON of the last runs."""
    documents = [
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        for name in TITLES
        if (folder / f"{name}.json").exists()
    ]
    page.write_text(text(documents), encoding="utf-8")


def text(documents: Sequence[Mapping[str, Any]]) -> str:
    """The page."""
    parts = [
        "# Benchmarks\n",
        (
            "Written by `make bench-docs` from the last `make bench` and `make soak`; not by hand. "
            "Ratios compare two sides in one run on one machine, so that they mean something on "
            "another one, too. What is below depends on the machine.\n"
        ),
    ]
    for document in documents:
        parts += _section(document)
    return "\n".join(parts)


def _section(document: Mapping[str, Any]) -> list[str]:
    name, machine = document["benchmark"], document["machine"]
    rows = [
        f"| {each['measure']} | {_value(each)} | {each['goal']} | "
        f"{'yes' if each['holds'] else '**no**'} | {each['spread']} |"
        for each in document["measures"]
    ]
    details = [
        f"- {each['measure']}: "
        + "; ".join(f"{what} {value:.3g}" for what, value in each["details"].items())
        for each in document["measures"]
        if each["details"]
    ]
    libraries = ", ".join(f"{key} {value}" for key, value in machine["libraries"].items())
    return [
        f"## {TITLES[name]}\n",
        METHODS[name] + "\n",
        "| measure | value | goal | holds | spread |",
        "| --- | --- | --- | --- | --- |",
        *rows,
        "",
        *details,
        *([""] if details else []),
        (
            f"On {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"{machine['kernel']}, Python {machine['python']}; {libraries}; "
            f"commit {machine['commit']}.\n"
        ),
    ]


def _value(measure: Mapping[str, Any]) -> str:
    if measure["value"] is None:
        return "not measured"
    return f"{measure['value']:.3g} {measure['unit']}".rstrip()
