"""Tiny front stages of GLM-TTS: small files under the published names, in the published layout."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

CODES: Final = 48
"""Speech codes of the tiny model; the published one has 32,768."""
WORDS: Final = (
    "hello",
    " world",
    "the",
    " the",
    "ing",
    "tion",
    "你",
    "好",
    "你好",
    "世界",
    "。",
    "，",
)
"""What the tiny vocabulary knows as one token each."""
MARKS: Final = (
    *("<|endoftext|>", "[MASK]", "[gMASK]", "[sMASK]", "<sop>", "<eop>"),
    *("<|system|>", "<|user|>", "<|assistant|>", "<|observation|>"),
    *("<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>"),
    *("<|begin_of_audio|>", "<|end_of_audio|>"),
)
PHONEMES: Final = ("<|H|>", "<|E1|>", "<|SH|>", "<|EN1|>", "<|X|>", "<|IAN2|>", "<|C|>", "<|UEI1|>")
_PLACEHOLDERS: Final = ("<|UNUSED_pad_1|>", "<|UNUSED_pad_2|>")
"""In the published vocabulary these stand for tokens that were taken out; no text becomes them."""


def ranks() -> dict[bytes, int]:
    """Every byte, then what each word grows to, byte by byte, then placeholders."""
    found: dict[bytes, int] = {bytes([byte]): byte for byte in range(256)}
    for token in _growing():
        found.setdefault(token, len(found))
    return found


def added_tokens() -> dict[str, int]:
    """Ids of the tokens that stand for themselves."""
    names = [*MARKS, *PHONEMES, *(f"<|audio_{code}|>" for code in range(CODES))]
    return {name: number for number, name in enumerate(names, start=len(ranks()))}


def write_tokenizer(directory: Path) -> Path:
    """Write ``tokenizer.model`` and ``tokenizer_config.json``; gives the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    lines = [f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in ranks().items()]
    (directory / "tokenizer.model").write_text("".join(lines), "ascii")
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    decoder = {
        str(number): {"content": name, **flags, "special": True}
        for name, number in added_tokens().items()
    }
    described = {
        "added_tokens_decoder": decoder,
        "auto_map": {"AutoTokenizer": ["somewhere.Somebody", None]},
        "tokenizer_class": "Somebody",
    }
    (directory / "tokenizer_config.json").write_text(json.dumps(described), "utf-8")
    return directory


def _growing() -> Iterator[bytes]:
    for word in WORDS:
        written = word.encode()
        for end in range(2, len(written) + 1):
            yield written[:end]
    for placeholder in _PLACEHOLDERS:
        yield placeholder.encode()
