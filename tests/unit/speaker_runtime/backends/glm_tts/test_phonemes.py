"""Characters as sounds."""

import json
from pathlib import Path

import pytest

from speaker_runtime.backends.glm_tts.phonemes import FORCED_FILE, KEPT_FILE, Phonemes
from speaker_runtime.contract import ExitCode
from speaker_runtime.models.errors import ModelError

KEPT = "奶喜欢人汤你也想尝吗山坡上的树木不齐叶满小路银走一柱思华年乡音无改鬓毛世界"
FORCED = {
    "弦": "<|X|><|IAN2|>",
    "弈": "<|I4|>",
    "乡音无改鬓毛衰": "乡音无改鬓毛<|C|><|UEI1|>",
}


def phonemes(kept: str = KEPT) -> Phonemes:
    return Phonemes(frozenset(kept), FORCED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "奶奶喜欢喝人参汤，你也想尝尝吗?",
            "奶奶喜欢<|H|><|E1|>人<|SH|><|EN1|>汤，你也想尝尝吗?",
        ),
        (
            "山坡上的树木参差不齐，落叶铺满小路。",
            "山坡上的树木<|C|><|EN1|><|C|><|II1|>不齐，<|L|><|UO4|>叶<|P|><|U4|>满小路。",
        ),
        (
            "银行的行长行走。hello世界。",
            "银<|H|><|ANG2|>的<|H|><|ANG2|><|ZH|><|ANG3|><|X|><|ING2|>走。hello世界。",
        ),
        (
            "一弦一柱思华年，乡音无改鬓毛衰。",
            "一<|X|><|IAN2|>一柱思华年，乡音无改鬓毛<|C|><|UEI1|>。",
        ),
        ("hello, world 123!", "hello, world 123!"),
        ("", ""),
    ],
)
def test_sounds_depend_on_words(text: str, expected: str) -> None:
    assert phonemes()(text) == expected


@pytest.mark.parametrize(
    ("character", "sound"),
    [
        ("知", "<|ZH|><|III1|>"),
        ("日", "<|R|><|III4|>"),
        ("资", "<|Z|><|II1|>"),
        ("西", "<|X|><|I1|>"),
        ("绿", "<|L|><|V4|>"),
        ("鱼", "<|V2|>"),
        ("儿", "<|ER2|>"),
        ("吧", "<|B|><|A5|>"),
        ("嗯", "<|EN1|>"),
        ("呣", "<|M|><|U3|>"),
        ("安", "<|AN1|>"),
    ],
)
def test_each_kind_of_final(character: str, sound: str) -> None:
    assert phonemes("")(character) == sound


def test_characters_of_no_known_sound_stay_with_all_around_them() -> None:
    assert phonemes("")("绿\u2e80鱼，鱼") == "绿\u2e80鱼，<|V2|>"


def test_lists_are_read_from_the_model(tmp_path: Path) -> None:
    (tmp_path / KEPT_FILE).write_text(json.dumps(list(KEPT)), "utf-8")
    assert not Phonemes.read(tmp_path).forced
    lines = [{"弦": "<|X|><|IAN2|>"}, {"弈": ["<|I4|>"]}]
    (tmp_path / FORCED_FILE).write_text("\n".join(map(json.dumps, lines)), "utf-8")
    read = Phonemes.read(tmp_path)
    assert read("一弦弈") == "一<|X|><|IAN2|><|I4|>"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (KEPT_FILE, "["),
        (KEPT_FILE, "{}"),
        (KEPT_FILE, "[1]"),
        (FORCED_FILE, "x"),
        (FORCED_FILE, "1"),
    ],
)
def test_damage_is_told_with_the_files_name(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / KEPT_FILE).write_text("[]", "utf-8")
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(ModelError, match=name) as failed:
        Phonemes.read(tmp_path)
    assert failed.value.exit_code is ExitCode.MODEL_CORRUPT


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=KEPT_FILE) as failed:
        Phonemes.read(tmp_path)
    assert failed.value.exit_code is ExitCode.MODEL_UNAVAILABLE
