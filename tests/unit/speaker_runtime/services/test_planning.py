"""What becomes of an order, before anything is spoken."""

from dataclasses import replace

import pytest

from speaker_runtime.audio.formats import AudioFormat
from speaker_runtime.audio.pipeline import Section
from speaker_runtime.backends.protocol import SpeechRequest
from speaker_runtime.contract import Sampling, VoiceDefaults, VoiceEntry, VoiceManifest
from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.services.planning import Caption, Place, Plan, SpeechOrder, plan
from speaker_runtime.text.lexicon import Lexicon
from speaker_runtime.text.phonemes import Pronunciation
from speaker_runtime.text.ssml.script import Mode
from speaker_runtime.voices.catalogue import Catalogue
from speaker_runtime.voices.preset import Preset
from tests.support.tone import ToneBackend

CAN = ToneBackend().load(lambda _: None)
MANIFEST = VoiceManifest(
    voices=(
        VoiceEntry(name="ana", preset="low", languages=("en-GB",)),
        VoiceEntry(name="bob", preset="high", defaults=VoiceDefaults(speed=2.0)),
    )
)
CATALOGUE = Catalogue(MANIFEST, CAN.presets)


def planned(
    text: str,
    *,
    speed: float | None = None,
    language: str | None = None,
    normalize: bool = True,
    ssml: Mode | None = None,
    words: dict[str, str] | None = None,
) -> Plan:
    order = SpeechOrder(
        text,
        "ana",
        AudioFormat.PCM,
        speed=speed,
        seed=7,
        language=language,
        normalize=normalize,
        ssml=ssml,
    )
    return plan(order, CATALOGUE, CAN, Lexicon(words or {}))


def marked_up(inside: str, *, speed: float | None = None) -> Plan:
    return planned(f"<speak>{inside}</speak>", speed=speed, ssml=Mode.STRICT)


def test_every_utterance_of_a_plain_text_is_a_request_of_one_section() -> None:
    made = planned("One is here. Two is there.")
    assert made.requests == tuple(
        SpeechRequest(text, preset="low", language="en-GB", speed=1.0, seed=7)
        for text in ("One is here.", "Two is there.")
    )
    assert made.places == (Place(0, 0, ends=True), Place(0, 1, ends=True))
    assert made.captions == (Caption("One is here.", (0, 13)), Caption("Two is there.", (13, 26)))
    assert (made.sections, made.end, made.warnings) == ((Section(),), Section(), ())


def test_what_the_model_cannot_do_of_a_pace_is_left_to_the_tempo() -> None:
    made = planned("Hello.", speed=4.0)
    assert (made.requests[0].speed, made.sections[0].tempo) == (CAN.fastest, 2.0)


def test_written_forms_become_words_and_words_are_looked_up() -> None:
    words = {"kubernetes": "koober netties"}
    assert planned("See kubernetes.io now", words=words).requests[0].text == (
        "See koober netties dot io now"
    )
    assert planned("See ~5 now", normalize=False).requests[0].text == "See ~5 now"


@pytest.mark.parametrize(
    ("language", "warnings"),
    [
        (None, ()),
        ("en", ()),
        ("en-GB", ()),
        ("en-AU", ("the text is read as en-GB, not en-AU",)),
    ],
)
def test_a_language_is_found_among_the_voices_own(
    language: str | None, warnings: tuple[str, ...]
) -> None:
    assert planned("Hello.", language=language).warnings == warnings


def test_a_language_that_nobody_speaks_is_refused_with_those_that_are_spoken() -> None:
    with pytest.raises(SpeechError, match="it speaks: en") as refused:
        planned("Hallo.", language="de")
    assert refused.value.param == "language"


@pytest.mark.parametrize(
    ("text", "language", "warnings"),
    [
        ("Guten Morgen!", "de", ("the text is read as de, which was detected",)),
        ("How are you today?", "en", ("the text is read as en, which was detected",)),
        ("Berlin", "es", ()),
    ],
)
def test_a_voice_of_several_languages_reads_a_text_in_its_own(
    text: str, language: str, warnings: tuple[str, ...]
) -> None:
    made = in_many_languages(SpeechOrder(text, "eva", AudioFormat.PCM))
    assert ({each.language for each in made.requests}, made.warnings) == ({language}, warnings)


def test_what_shows_no_language_is_read_like_the_text_around_it() -> None:
    document = '<speak>Berlin<break time="1s"/>ist heute sehr sch\u00f6n, sagt sie.</speak>'
    made = in_many_languages(SpeechOrder(document, "eva", AudioFormat.PCM, ssml=Mode.STRICT))
    assert [each.language for each in made.requests] == ["de", "de"]


def in_many_languages(order: SpeechOrder) -> Plan:
    can = replace(CAN, presets=(Preset("low", ("en", "de", "es")),))
    eva = VoiceEntry(name="eva", preset="low", languages=("es", "de", "en"))
    catalogue = Catalogue(VoiceManifest(voices=(eva,)), can.presets)
    return plan(order, catalogue, can, Lexicon({}))


def test_a_model_that_follows_phonemes_is_given_those_of_markup_and_lexicon() -> None:
    document = '<speak><phoneme ph="wʌn">One</phoneme> of YAML.</speak>'
    order = SpeechOrder(document, "ana", AudioFormat.PCM, ssml=Mode.STRICT)
    lexicon = Lexicon({"yaml": "/ˈjæməl/"})
    made = plan(order, CATALOGUE, replace(CAN, phonemes=True), lexicon)
    assert made.requests[0].text == "One of YAML."
    assert made.requests[0].pronunciations == (
        Pronunciation(0, 3, "wʌn"),
        Pronunciation(7, 11, "ˈjæməl"),
    )


def test_a_model_without_phonemes_reads_the_words_and_says_so() -> None:
    made = planned("My YAML.", words={"yaml": "/ˈjæməl/"})
    assert (made.requests[0].text, made.requests[0].pronunciations) == ("My YAML.", ())
    assert made.warnings == ("this model does not follow the lexicon's phonemes",)


def test_a_voice_in_markup_brings_its_own_pace_unless_one_is_asked_for() -> None:
    inside = 'One. <voice name="bob">Two. <prosody rate="50%">Three.</prosody></voice>'
    own = marked_up(inside)
    assert [(each.preset, each.speed) for each in own.requests] == [
        ("low", 1.0),
        ("high", 2.0),
        ("high", 1.0),
    ]
    assert [each.speed for each in marked_up(inside, speed=1.0).requests] == [1.0, 1.0, 0.5]


def test_an_utterance_is_as_long_as_its_language_allows() -> None:
    can = replace(CAN, presets=(Preset("low", ("en", "zh-TW")),), limits={"zh": 5})
    catalogue = Catalogue(VoiceManifest(), can.presets)

    def cut(text: str, language: str) -> list[str]:
        order = SpeechOrder(text, "low", AudioFormat.PCM, language=language)
        return [each.text for each in plan(order, catalogue, can, Lexicon({})).requests]

    assert cut("天地玄黄宇宙洪荒日月", "zh-TW") == ["天地玄黄宇", "宙洪荒日月"]
    assert cut("a b c d e f", "en") == ["a b c d e f"]


def drawn(order: SpeechOrder, own: Sampling) -> Plan:
    """The plan for a voice that is lively by default, of a model that draws like this."""
    defaults = VoiceDefaults(sampling=Sampling(temperature=1.2, top_k=80))
    eva = VoiceEntry(name="eva", preset="low", defaults=defaults)
    catalogue = Catalogue(VoiceManifest(voices=(eva,)), CAN.presets)
    return plan(order, catalogue, replace(CAN, sampling=own), Lexicon({}))


def test_chance_is_the_orders_or_else_the_voices_or_else_the_models() -> None:
    own = Sampling(temperature=0.7, top_k=50, top_p=0.8, repetition_penalty=5.0)
    order = SpeechOrder("One. Two.", "eva", AudioFormat.PCM, sampling=Sampling(top_k=1))
    made = drawn(order, own)
    expected = Sampling(temperature=1.2, top_k=1, top_p=0.8, repetition_penalty=5.0)
    assert [each.sampling for each in made.requests] == [expected, expected]
    assert made.warnings == ()
    plain = replace(order, voice="high", sampling=Sampling())
    assert drawn(plain, own).requests[0].sampling == own
    # What is asked for by name and is so anyway is the same request, also to the cache.
    assert drawn(replace(plain, sampling=Sampling(top_k=50)), own).requests == (
        drawn(plain, own).requests
    )


def test_what_a_model_does_not_follow_of_chance_is_told_and_left_out() -> None:
    order = SpeechOrder("One.", "eva", AudioFormat.PCM, sampling=Sampling(top_p=0.5))
    made = drawn(order, Sampling(temperature=0.7))
    assert made.requests[0].sampling == Sampling(temperature=1.2)
    assert made.warnings == ("this model does not follow the sampling's top_k, top_p",)


def test_a_pace_beyond_all_bounds_is_brought_back_with_a_warning() -> None:
    made = marked_up('<prosody rate="500%">One.</prosody>', speed=2.0)
    assert made.requests[0].speed * made.sections[0].tempo == 4.0
    assert made.warnings == ("a pace of 10.00 is spoken at 4",)


def test_the_pause_of_what_cannot_be_heard_goes_to_what_follows() -> None:
    made = marked_up(
        'One.<break time="1s"/>\U0001f600<break time="2s"/><mark name="m"/>Two.<break time="3s"/>'
    )
    assert [(each.pause, each.marks) for each in (*made.sections, made.end)] == [
        (0.0, ()),
        (3.0, ("m",)),
        (3.0, ()),
    ]


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        ('<voice name="eve">Hello.</voice>', ErrorCode.VOICE_NOT_FOUND),
        ('<lang xml:lang="de">Hallo.</lang>', ErrorCode.LANGUAGE_NOT_SUPPORTED),
        ("<break/>", ErrorCode.TEXT_NOT_SPEAKABLE),
    ],
)
def test_what_markup_asks_for_in_vain_is_blamed_on_the_input(inside: str, code: ErrorCode) -> None:
    with pytest.raises(SpeechError) as refused:
        marked_up(inside)
    assert (refused.value.code, refused.value.param) == (code, "input")


def test_a_long_sentence_is_several_utterances_of_one_caption() -> None:
    made = planned("One two three four five, six seven eight nine ten, eleven.")
    assert [(place.caption, place.ends) for place in made.places] == [(0, False), (0, True)]
    assert len(made.captions) == 1


def test_a_caption_of_markup_has_no_place_in_the_input() -> None:
    assert marked_up("One.").captions == (Caption("One.", None),)
