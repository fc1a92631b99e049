"""Text into ids: against byte-pair merging written down plainly, and against damaged files."""

import base64
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.backends.glm_tts.tokenizer import RANKS_FILE, TOKENS_FILE, Tokenizer
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError
from tests.support.glm_front import CODES, added_tokens, ranks, write_tokenizer

RANKS, ADDED = ranks(), added_tokens()
SPLIT = regex.compile(
    r"""'(?i:s|t|re|ve|m|ll|d)
    | [^\r\n\p{Letter}\p{Number}]?\p{Letter}+
    | \p{Number}{1,3}
    | \x20?[^\s\p{Letter}\p{Number}]+[\r\n]*
    | \s*[\r\n]+
    | \s+(?=\s|$)
    | \s+""",
    regex.VERBOSE,
)


def merged(text: str) -> list[int]:
    """The two neighbours of lowest rank become one, until none of any two are a token."""
    found: list[int] = []
    for piece in SPLIT.findall(text):
        parts = [bytes([each]) for each in piece.encode()]
        if piece.encode() in RANKS:
            parts = [piece.encode()]
        while True:
            pairs = [
                (RANKS[left + right], at)
                for at, (left, right) in enumerate(pairwise(parts))
                if left + right in RANKS
            ]
            if not pairs:
                break
            _, at = min(pairs)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        found += [RANKS[each] for each in parts]
    return found


def expected(text: str) -> list[int]:
    names = sorted(ADDED, key=len, reverse=True)
    parts = regex.split(f"({'|'.join(map(regex.escape, names))})", text)
    return [each for part in parts for each in ([ADDED[part]] if part in ADDED else merged(part))]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return Tokenizer(write_tokenizer(tmp_path_factory.mktemp("tokenizer")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello world",
        "你好世界。",
        "Hello, the thing isn't 12345 things!\n\n  Now,\tnow  ",
        "WE'LL say 'tis   \r\n done 3.14159",
        "奶奶喝<|H|><|E1|>人<|SH|><|EN1|>汤",
        "<|audio_3|><|audio_31|><|user|>",
        "<|audio_3",
        "<|UNUSED_pad_1|>",
        "é e\u0301 ß 😀 \u00a0 ﷽",
    ],
)
def test_ids_are_those_of_merging_by_rank(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.encode(text) == expected(text)


@given(
    st.text(st.sampled_from("helotinga wrd'sS12 你好世界。，<|>_H\n\t\u00a0"), max_size=60)
    | st.text(max_size=30)
    | st.lists(st.sampled_from([*sorted(ADDED), "the", " 你好", "9"])).map("".join)
)
def test_ids_of_any_text(tokenizer: Tokenizer, text: str) -> None:
    text = text.encode("utf-8", "replace").decode()  # half of a surrogate pair is no text
    assert tokenizer.encode(text) == expected(text)


def test_nothing_is_put_around_the_text(tokenizer: Tokenizer) -> None:
    for name, number in ADDED.items():
        assert tokenizer.encode(name) == [number] == [tokenizer.id_of(name)]
    assert tokenizer.id_of("<|ZZ|>") is None
    assert tokenizer.encode("a") == [ord("a")]
    assert tokenizer.encode("你好 ")[-1] == ord(" ")


def test_special_ids_are_found_by_name(tokenizer: Tokenizer) -> None:
    special = tokenizer.special
    assert special.pad == ADDED["<|endoftext|>"] == len(RANKS)
    assert special.end_of_audio == ADDED["<|user|>"]
    assert special.begin_of_audio == ADDED["<|begin_of_audio|>"]
    assert special.first_code == ADDED["<|audio_0|>"]
    assert special.last_code == ADDED[f"<|audio_{CODES - 1}|>"]
    assert special.codes == CODES
    assert tokenizer.size == special.last_code + 1


def test_every_code_need_not_be_named_as_long_as_the_last_is(tmp_path: Path) -> None:
    def few(config: dict[str, Any]) -> None:
        last = config["added_tokens_decoder"][str(ADDED[f"<|audio_{CODES - 1}|>"])]
        last["content"] = "<|audio_32767|>"

    assert Tokenizer(changed(tmp_path, few)).special.codes == CODES


@pytest.mark.parametrize(("flag", "text"), [("lstrip", "a  <|user|>"), ("rstrip", "a<|user|> \n ")])
def test_white_space_is_taken_along_where_the_file_says_so(
    tmp_path: Path, flag: str, text: str
) -> None:
    def strip(config: dict[str, Any]) -> None:
        config["added_tokens_decoder"][str(ADDED["<|user|>"])][flag] = True

    assert Tokenizer(changed(tmp_path, strip)).encode(text) == [ord("a"), ADDED["<|user|>"]]


def changed(directory: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    path = write_tokenizer(directory) / TOKENS_FILE
    config = json.loads(path.read_text("utf-8"))
    change(config)
    path.write_text(json.dumps(config), "utf-8")
    return directory


def without(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda config: config["added_tokens_decoder"].pop(str(ADDED[name]))


def swap_codes(config: dict[str, Any]) -> None:
    decoder = config["added_tokens_decoder"]
    one, other = str(ADDED["<|audio_1|>"]), str(ADDED["<|audio_2|>"])
    decoder[one], decoder[other] = decoder[other], decoder[one]


def lower(config: dict[str, Any]) -> None:
    decoder = config["added_tokens_decoder"]
    decoder["3"] = decoder.pop(str(ADDED["<|begin_of_audio|>"]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("<|user|>"), r"it has no <\|user\|>"),
        (without("<|audio_0|>"), r"it has no <\|audio_0\|>"),
        (without("<|audio_7|>"), "do not follow one another"),
        (swap_codes, "do not follow one another"),
        (lower, r"<\|begin_of_audio\|> stands before"),
        (lambda config: config.pop("added_tokens_decoder"), "no added_tokens_decoder"),
        (lambda config: config.update(added_tokens_decoder=[]), "no added_tokens_decoder"),
        (lambda config: config.update(added_tokens_decoder={"x": {}}), "no added_tokens_decoder"),
    ],
)
def test_a_damaged_list_of_tokens_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    with pytest.raises(ModelError, match=said) as failed:
        Tokenizer(changed(tmp_path, change))
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT
    assert str(tmp_path / TOKENS_FILE) in failed.value.message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no token for the byte 0"),
        ("not base64! 0\n", "line 1 is no token"),
        ("QQ==\n", "line 1 is no token"),
        ("QQ== one\n", "line 1 is no token"),
        (
            "".join(f"{base64.b64encode(bytes([each])).decode()} 1\n" for each in range(256)),
            "same rank",
        ),
    ],
)
def test_a_damaged_vocabulary_is_named(tmp_path: Path, content: str, said: str) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / RANKS_FILE).write_text(content, "ascii")
    with pytest.raises(ModelError, match=said) as failed:
        Tokenizer(tmp_path)
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT
    assert str(tmp_path / RANKS_FILE) in failed.value.message


@pytest.mark.parametrize("name", [RANKS_FILE, TOKENS_FILE])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError) as failed:
        Tokenizer(tmp_path)
    assert failed.value.exit_code is ExitCode.MODEL_UNAVAILABLE
    assert name in failed.value.message
