"""SSML documents: what is understood, what is left aside, what is refused."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.text.phonemes import Alphabet, Pronunciation
from speaker_runtime.text.ssml.elements import ELEMENTS, MAX_DEPTH, MAX_PASSAGES
from speaker_runtime.text.ssml.parser import parse
from speaker_runtime.text.ssml.script import Mode, Passage, Script, Style


def read(inside: str, mode: Mode = Mode.STRICT) -> Script:
    return parse(f"<speak>{inside}</speak>", mode)


def words(script: Script) -> list[str]:
    return [" ".join(passage.text.split()) for passage in script.passages]


def refusal(document: str, mode: Mode = Mode.LENIENT) -> str:
    with pytest.raises(SpeechError) as refused:
        parse(document, mode)
    assert refused.value.code is ErrorCode.INVALID_SSML
    assert refused.value.param == "input"
    return refused.value.message


def test_plain_text_is_one_passage() -> None:
    assert read("Hello &amp; welcome.") == Script(
        (Passage("Hello & welcome.", Style()),), Passage("", Style())
    )


def test_a_whole_document_with_its_namespace_is_read() -> None:
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<speak version="1.1" '
        'xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="en-GB" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b">'
        "<!-- not spoken -->Hello.</speak>"
    )
    (passage,) = parse(document, Mode.STRICT).passages
    assert (passage.text, passage.style) == ("Hello.", Style(language="en-GB"))


def test_paragraphs_and_sentences_end_where_they_are_closed() -> None:
    (passage,) = read("<p><s>One</s><s>Two</s></p><p>Three\nlines</p>").passages
    assert [line for line in passage.text.splitlines() if line] == ["One", "Two", "Three lines"]


@pytest.mark.parametrize(
    ("element", "seconds"),
    [
        ('<break time="1.5s"/>', 1.5),
        ('<break time="250ms"/>', 0.25),
        ('<break time="10s"/>', 10.0),
        ('<break time=".5s" strength="weak"/>', 0.5),
        ('<break strength="strong"/>', 0.75),
        ("<break/>", 0.5),
    ],
)
def test_a_break_is_a_pause_before_what_follows(element: str, seconds: float) -> None:
    script = read(f"One.{element}Two.")
    assert [(passage.text, passage.pause) for passage in script.passages] == [
        ("One.", 0.0),
        ("Two.", seconds),
    ]


def test_breaks_add_up_also_at_the_end() -> None:
    script = read('One.<break time="1s"/> . <break time="2s"/>')
    assert words(script) == ["One."]
    assert script.end.pause == 3.0


def test_a_break_of_no_length_does_not_cut_a_sentence() -> None:
    assert words(read('One <break strength="none"/>two.')) == ["One two."]


def test_an_alias_is_spoken_in_place_of_a_text() -> None:
    assert words(read('The <sub alias="World Wide Web Consortium">W3C</sub> met.')) == [
        "The World Wide Web Consortium met."
    ]


@pytest.mark.parametrize(
    ("attributes", "written", "said"),
    [
        ('interpret-as="characters"', "ab-1", "A B dash 1"),
        ('interpret-as="spell-out"', " x y ", "X Y"),
        ('interpret-as="digits"', "2026", "2 0 2 6"),
        ('interpret-as="telephone"', "+49 (170) 12", "plus 4 9 1 7 0 1 2"),
        ('interpret-as="ordinal"', "3", "third"),
        ('interpret-as="ordinal"', "12", "twelfth"),
        ('interpret-as="cardinal"', "12", "12"),
        ('interpret-as="date" format="dmy"', "5/3/2026", "2026-03-05"),
        ('interpret-as="date" format="mdy"', "5/3/2026", "2026-05-03"),
        ('interpret-as="date"', "2026-05-03", "2026-05-03"),
    ],
)
def test_a_text_is_said_as_it_is_meant(attributes: str, written: str, said: str) -> None:
    assert words(read(f"<say-as {attributes}>{written}</say-as>")) == [said]


def test_voices_languages_and_prosody_hold_inside_their_element() -> None:
    script = read(
        'One <voice name="bob">two <prosody rate="80%" volume="-6dB">three '
        '<prosody rate="fast" xml:id="x">four</prosody></prosody></voice> '
        '<lang xml:lang="en-GB">five</lang> six'
    )
    assert words(script) == ["One", "two", "three", "four", "five", "six"]
    assert [passage.style for passage in script.passages] == [
        Style(),
        Style(voice="bob"),
        Style(voice="bob", rate=0.8, gain=10 ** (-6 / 20)),
        Style(voice="bob", rate=0.8 * 1.5, gain=10 ** (-6 / 20)),
        Style(language="en-GB"),
        Style(),
    ]


@pytest.mark.parametrize(
    ("rate", "factor"),
    [("x-slow", 0.5), ("medium", 1.0), ("x-fast", 2.0), ("+20%", 1.2), ("-20%", 0.8), ("1.3", 1.3)],
)
def test_a_rate_is_a_factor(rate: str, factor: float) -> None:
    (passage,) = read(f'<prosody rate="{rate}">Hello.</prosody>').passages
    assert passage.style.rate == pytest.approx(factor)


@pytest.mark.parametrize(
    ("volume", "factor"), [("silent", 0.0), ("soft", 0.501), ("+6dB", 1.995), ("medium", 1.0)]
)
def test_a_volume_is_a_gain(volume: str, factor: float) -> None:
    (passage,) = read(f'<prosody volume="{volume}">Hello.</prosody>').passages
    assert passage.style.gain == pytest.approx(factor, abs=1e-3)


def test_a_mark_stands_where_the_next_passage_begins() -> None:
    script = read('<mark name="a"/>One.<break time="1s"/><mark name="b"/>Two.<mark name="c"/>')
    assert [(each.pause, each.marks) for each in (*script.passages, script.end)] == [
        (0.0, ("a",)),
        (1.0, ("b",)),
        (0.0, ("c",)),
    ]


@pytest.mark.parametrize(
    ("inside", "warning"),
    [
        ('<emphasis level="strong">Hello.</emphasis>', "SSML: emphasis is not followed"),
        ('<prosody pitch="+2st">Hello.</prosody>', "SSML: prosody: pitch is not followed"),
    ],
)
def test_what_no_voice_can_do_is_a_warning_in_either_mode(inside: str, warning: str) -> None:
    for mode in Mode:
        script = read(inside, mode)
        assert (words(script), script.warnings) == (["Hello."], (warning,))


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        ("<whisper>Hello.</whisper>", "whisper is not understood"),
        ('<amazon:effect name="x">Hello.</amazon:effect>', "amazon:effect"),
        ('<prosody rate="quick">Hello.</prosody>', "x-slow"),
        ('<prosody rate="-3">Hello.</prosody>', "no pace"),
        ('<prosody rate="-100%">Hello.</prosody>', "no pace"),
        ('<prosody volume="+40dB">Hello.</prosody>', "+12dB"),
        ('<prosody volume="11">Hello.</prosody>', "-6dB"),
        ('Hello.<break time="11s"/>', "longer than 10 s"),
        ('Hello.<break time="1 minute"/>', "500ms"),
        ('Hello.<break strength="huge"/>', "x-weak"),
        ('<say-as interpret-as="expletive">Hello.</say-as>', "characters"),
        ('<say-as interpret-as="ordinal">Hello.</say-as>', "whole number"),
        ('<say-as interpret-as="date" format="my">Hello.</say-as>', "ymd"),
        ('<p style="big">Hello.</p>', "'style'"),
        ("<h\u00e9llo>Hello.</h\u00e9llo>", "llo is not understood"),
        ("<metadata>secret</metadata>Hello.", "metadata is not understood"),
    ],
)
def test_what_cannot_be_followed_is_refused_or_warned_of(inside: str, says: str) -> None:
    assert says in refusal(f"<speak>{inside}</speak>", Mode.STRICT)
    script = read(inside, Mode.LENIENT)
    assert words(script) == ["Hello."]
    (warning,) = script.warnings
    assert says in warning
    assert warning.isascii()


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("Hello.", "no XML"),
        ("<speak>Hello.", "no XML"),
        ("<speak>a & b</speak>", "line 1, column 11"),
        ("<speak>&nbsp;</speak>", "undefined entity"),
        ("<p>Hello.</p>", "its root is p"),
        ("<speak><speak>Hello.</speak></speak>", "inside of speak"),
        ('<speak>Hello.<audio src="http://127.0.0.1/x.mp3"/></speak>', "audio is not allowed"),
        ("<speak><voice>Hello.</voice></speak>", "voice needs its attribute name"),
        ('<speak><sub alias=" ">Hello.</sub></speak>', "sub needs its attribute alias"),
        ("<speak><mark/>Hello.</speak>", "mark needs its attribute name"),
        ("<speak><lang>Hello.</lang></speak>", "lang needs its attribute xml:lang"),
        ('<speak xml:lang="no tag">Hello.</speak>', "no tag"),
        ('<speak><sub alias="b"><p>a</p></sub></speak>', "inside of sub"),
        ("<speak>" + '<break time="10s"/>' * 13 + "</speak>", "120 s in all"),
        ("<speak>" + "a<break/>" * (MAX_PASSAGES + 2) + "</speak>", f"{MAX_PASSAGES} passages"),
    ],
)
def test_a_document_that_makes_no_sense_is_refused_in_either_mode(document: str, says: str) -> None:
    assert says in refusal(document, Mode.LENIENT)
    assert says in refusal(document, Mode.STRICT)


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE speak>",
        f'<!DOCTYPE speak [<!ENTITY e0 "ha">{BOMB}]>',
        '<!DOCTYPE speak [<!ENTITY e9 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE speak SYSTEM "http://127.0.0.1/x.dtd">',
        '<!DOCTYPE speak [<!ENTITY % p SYSTEM "http://127.0.0.1/x.dtd"> %p;]>',
    ],
    ids=["empty", "bomb", "file", "external", "parameter"],
)
def test_a_dtd_is_refused_before_anything_is_expanded(doctype: str) -> None:
    began = time.perf_counter()
    assert "DTD" in refusal(f"{doctype}<speak>&e9;</speak>")
    assert time.perf_counter() - began < 0.5


def test_depth_is_bounded() -> None:
    def nested(depth: int) -> str:
        return "<p>" * depth + "Hello." + "</p>" * depth

    assert words(read(nested(MAX_DEPTH - 1))) == ["Hello."]
    assert "deep" in refusal(f"<speak>{nested(MAX_DEPTH)}</speak>")
    assert "deep" in refusal(f"<speak>{nested(100_000)}</speak>")


@pytest.mark.parametrize("piece", ["<s>a</s>", "a<!---->", "&amp;", '<p xml:id="a"/>', "<x/>"])
def test_time_grows_with_the_document(piece: str) -> None:
    began = time.perf_counter()
    read(piece * (500_000 // len(piece)), Mode.LENIENT)
    assert time.perf_counter() - began < 5


_names = st.sampled_from([*ELEMENTS, "whisper", "meta", "a:b"])
_attributes = st.dictionaries(
    st.sampled_from(["time", "name", "rate", "volume", "alias", "interpret-as", "xml:lang", "x"]),
    st.one_of(
        st.sampled_from(["1s", "fast", "+1%", "-6dB", "en", "date", "characters", "bob"]),
        st.text(alphabet="09.%+-smxdB \u00e9", max_size=6),
    ),
    max_size=2,
)


def _element(content: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def write(name: str, attributes: dict[str, str], inside: list[str]) -> str:
        written = "".join(f' {key}="{value}"' for key, value in attributes.items())
        return f"<{name}{written}>{''.join(inside)}</{name}>"

    return st.builds(write, _names, _attributes, st.lists(content, max_size=3))


documents = st.recursive(st.text(max_size=10), _element, max_leaves=12)


def outcome(document: str, mode: Mode) -> tuple[ErrorCode | None, tuple[str, ...]]:
    """How it was refused, or the warnings."""
    try:
        return None, parse(document, mode).warnings
    except SpeechError as error:
        return error.code, ()


@given(documents, st.sampled_from(Mode))
def test_any_document_is_read_or_refused(inside: str, mode: Mode) -> None:
    code, warnings = outcome(f"<speak>{inside}</speak>", mode)
    assert code in {None, ErrorCode.INVALID_SSML}
    assert all(warning.isascii() and warning.isprintable() for warning in warnings)


@given(st.text(alphabet="<>/&;!?[]-=\"' speakbr\u00e9\x00\ufffe"), st.sampled_from(Mode))
def test_any_text_is_read_or_refused(document: str, mode: Mode) -> None:
    code, _ = outcome(document, mode)
    assert code in {None, ErrorCode.INVALID_SSML}


def pronounced(inside: str, mode: Mode = Mode.STRICT) -> Script:
    return parse(f"<speak>{inside}</speak>", mode, frozenset(Alphabet))


def test_a_phoneme_keeps_its_text_and_tells_how_it_sounds() -> None:
    (passage,) = pronounced(
        'I say <phoneme ph="təˈmɑːtəʊ">tomato</phoneme> and '
        '<phoneme alphabet="x-sampa" ph="p@&quot;teIt@U">potato</phoneme>.'
    ).passages
    assert passage.text == "I say tomato and potato."
    assert passage.pronunciations == (
        Pronunciation(6, 12, "təˈmɑːtəʊ"),
        Pronunciation(17, 23, "pəˈteɪtəʊ"),
    )


def test_a_phoneme_counts_from_its_own_passage() -> None:
    inside = 'One.<break/>Two <prosody rate="slow"><phoneme ph="θɹi">three</phoneme></prosody>'
    assert [each.pronunciations for each in pronounced(inside).passages] == [
        (),
        (),
        (Pronunciation(0, 5, "θɹi"),),
    ]


@pytest.mark.parametrize(
    ("element", "problem"),
    [
        ('<phoneme alphabet="arpabet" ph="a">x</phoneme>', "is none of ipa, x-sampa"),
        ('<phoneme ph="!">x</phoneme>', "is no sound"),
        ('<phoneme ph="a"/>', "stands for a text"),
    ],
)
def test_a_phoneme_that_cannot_be_followed_leaves_its_text(element: str, problem: str) -> None:
    with pytest.raises(SpeechError, match=problem):
        pronounced(f"One {element}.")
    script = pronounced(f"One {element}.", Mode.LENIENT)
    assert script.passages[0].pronunciations == ()
    assert problem in script.warnings[0]


def test_a_model_without_phonemes_reads_the_text() -> None:
    document = '<speak>One <phoneme ph="tuː">two</phoneme>.</speak>'
    with pytest.raises(SpeechError, match="not followed by this model"):
        parse(document, Mode.STRICT)
    script = parse(document, Mode.LENIENT)
    assert script.passages[0].text == "One two."
    assert script.warnings == ("SSML: phoneme is not followed by this model",)


def test_a_phoneme_without_sounds_is_refused_in_any_mode() -> None:
    with pytest.raises(SpeechError, match="needs its attribute ph"):
        pronounced("<phoneme>one</phoneme>", Mode.LENIENT)


@pytest.mark.parametrize(
    ("language", "kind", "written", "said"),
    [
        ("de", "ordinal", "3", "dritte"),
        ("es", "ordinal", "3", "tercero"),
        ("fr", "ordinal", "21", "vingt-et-unième"),
        ("zh", "ordinal", "3", "第三"),
        ("ja", "ordinal", "3", "第三"),
        ("pl", "ordinal", "3", "3"),
        ("de", "characters", "a.b:c", "A Punkt B Doppelpunkt C"),
        ("es", "verbatim", "@#", "arroba almohadilla"),
        ("fr", "telephone", "+33 1", "plus 3 3 1"),
        ("pl", "characters", "a.b", "A . B"),
    ],
)
def test_what_is_said_is_said_in_the_language_of_the_text(
    language: str, kind: str, written: str, said: str
) -> None:
    inside = f'<say-as interpret-as="{kind}">{written}</say-as> x'
    document = f"<speak>{inside}</speak>"
    (passage,) = parse(document, Mode.STRICT, language=language).passages
    assert passage.text == f"{said} x"
    document = f'<speak xml:lang="{language}">{inside}</speak>'
    (passage,) = parse(document, Mode.STRICT).passages
    assert passage.text == f"{said} x"
