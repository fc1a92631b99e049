"""``docs/benchmarks.md``, written from what the last runs left in ``build/bench``."""

import json
from collections.abc import Mapping
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
        "xtts": "XTTS-v2 against coqui-tts",
        "glm": "GLM-TTS against the reference",
        "soak": "Under abuse",
        "operator": "What the operator costs, and how quickly it acts",
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
        "xtts": "The same random weights, of the published sizes and of a quarter of them (512 "
        "channels instead of 1,024; the vocoder has one size), in coqui-tts 0.28's `inference` and "
        "`inference_stream` and in our loops, in one process on CPUs, in float32, by turns. Random "
        "weights know no end, so both sides draw the same number of tokens (80; 176 where gaps are "
        "measured). Eight texts are spoken together by us, one after the other by coqui-tts. A new "
        "voice is made of a recording of 30 seconds, as many as the published model listens to.",
        "glm": "The same random weights, of the published sizes and of a quarter of them (half of "
        "the channels; the vocoder has one size), in the reference's own language model, flow and "
        "vocoder and in ours, each in its process on CPUs, in float32, by turns. Random weights "
        "know no end: each sentence has 60 codes, 2.4 seconds, on both sides. The voice is random "
        "numbers of the right sizes. What stands before the language model (text, recording) is "
        "not measured. Loading begins with the imports; the peak is that of the process, after it "
        "has spoken.",
        "soak": "12 clients ask for 36 orders of every format, 15 % go away in the middle, "
        "Schemathesis and Hypothesis send bad input beside them, and the server is told to end "
        "under load every 45 s. Every complete answer is compared, byte for byte, with what the "
        "same order gave alone.",
        "operator": "A real etcd and kube-apiserver, and the operator as a process with nothing "
        "but its role. A service has a ConfigMap, a Service, a Deployment, an "
        "autoscaler. "
        "The bare loop applies the same children over 16 connections with no operator, in the same "
        "round, and the API server keeps a record of both; the operator's time begins with the "
        "first service that is declared and ends when the last child is there. Bursts, drift, "
        "voices and restart run without Kubernetes' own "
        "controllers; what a service costs, rest, causes and deletions are measured beside "
        "kube-controller-manager and kube-scheduler, with pods that stay Pending. Requests are "
        "counted by the API server's audit log: reads, Events and refusals count, watches and the "
        "leader's Lease do not. Every field that the operator owns is edited once, as the API "
        "server has recorded it. Voices reach two real runtimes, whose kubelet is played.",
    }
)
NOTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "operator": """\
Peers, measured by the same method on the same kind of cluster (2 cores, Kubernetes 1.37.2, 200
custom resources at once); not by this run:

| | KubeRay RayCluster | KServe (Deployment, Service, HPA) | NIM (7 children) | KubeAI (Pod) |
| --- | --- | --- | --- | --- |
| burst ÷ bare | 0.18 | 0.40 | 0.62 | 0.001 |
| one resource → all children, p50 | 26 ms | 37 ms | 76 ms | 27 ms |
| requests per resource | 5.6 | 14.4 | 21 | 9.5 |
| operator's CPU per resource | 7.7 ms | 12.3 ms | 32 ms | 11 ms |
| idle requests/min, 100 not-ready | 0 | 0 | 1,200 | 68 |
| deleted child back, p50 | 22 ms | 70 ms; HPA never | 34 ms; claim not within 8 s | 2,833 ms |
| hand-edited child reverted | never | Deployment 317 ms, Service; not HPA | never | never |
| cause told: bad image / no GPU / no StorageClass | yes / no | no / no | no / no / no | \
no / no / deletion hangs |
""",
    }
)
"""What stands below a table."""
HEAD: Final = (
    "# Benchmarks\n\n"
    "Written by `make bench-docs` from the last run of each benchmark (`make help` lists them); "
    "not by hand. "
    "Ratios compare two sides in one run on one machine, so that they mean something on "
    "another one, too. What is below depends on the machine.\n"
)


def write(folder: Path = FOLDER, page: Path = PAGE) -> None:
    """Write the page from the JSON of the last runs; what has none stays as it stands."""
    standing = _sections(page.read_text(encoding="utf-8")) if page.exists() else {}
    measured = {
        TITLES[name]: section(json.loads(file.read_text(encoding="utf-8")))
        for name, file in ((name, folder / f"{name}.json") for name in TITLES)
        if file.exists()
    }
    sections = standing | measured
    page.write_text(
        "\n".join([HEAD, *(sections[each] for each in TITLES.values() if each in sections)]),
        encoding="utf-8",
    )


def _sections(text: str) -> dict[str, str]:
    """The sections of a page, by their titles."""
    parts = (f"## {part}" for part in text.split("\n## ")[1:])
    return {part.partition("\n")[0].removeprefix("## "): part for part in parts}


def section(document: Mapping[str, Any]) -> str:
    """What a benchmark came to."""
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
    lines = [
        f"## {TITLES[name]}\n",
        METHODS[name] + "\n",
        "| measure | value | goal | holds | spread |",
        "| --- | --- | --- | --- | --- |",
        *rows,
        "",
        *details,
        *([""] if details else []),
        *([NOTES[name]] if name in NOTES else []),
        (
            f"On {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
            f"{machine['kernel']}, Python {machine['python']}; {libraries}; "
            f"commit {machine['commit']}.\n"
        ),
    ]
    return "\n".join(lines)


def _value(measure: Mapping[str, Any]) -> str:
    if measure["value"] is None:
        return "not measured"
    return f"{measure['value']:.3g} {measure['unit']}".rstrip()
