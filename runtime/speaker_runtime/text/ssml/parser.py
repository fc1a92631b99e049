"""An SSML document into a script; what expat could load or expand is refused before it reads."""

from collections.abc import Set
from dataclasses import replace
from typing import Final
from xml.parsers import expat

from speaker_runtime.errors import ErrorCode, SpeechError
from speaker_runtime.text.languages import is_tag
from speaker_runtime.text.phonemes import (
    LONGEST,
    Alphabet,
    Pronunciation,
    WrongPhonemesError,
    as_ipa,
)
from speaker_runtime.text.ssml import values
from speaker_runtime.text.ssml.elements import (
    ELEMENTS,
    HARMLESS,
    MAX_BREAK_SECONDS,
    MAX_DEPTH,
    MAX_PASSAGES,
    MAX_SILENCE_SECONDS,
    UNHEARD,
    Support,
)
from speaker_runtime.text.ssml.script import Mode, Passage, Script, Style

_MAX_WARNINGS: Final = 8
_QUOTED: Final = 40
_HOLD_TEXT: Final = frozenset({"sub", "say-as", "phoneme"})
"""Elements that hold nothing but text."""
_BOUNDARY: Final = "\n"
"""Ends a sentence for the splitter of sentences."""


def parse(
    document: str, mode: Mode, alphabets: Set[Alphabet] = frozenset(), language: str = "en"
) -> Script:
    """Understand ``document``.

    Args:
        document: With the root element ``speak``.
        mode: What to do with markup that cannot be followed.
        alphabets: Those in which the backend can follow phonemes.
        language: BCP 47 tag of what names no other language.

    Raises:
        SpeechError: It is no XML, not allowed, or cannot be followed.
    """
    # Expat reports a DTD before it reads on, but only this keeps it from expanding one.
    if "<!DOCTYPE" in document or "<!ENTITY" in document:
        raise _refused("a DTD is not allowed", "Remove the DOCTYPE and its entities.")
    return _Reader(mode, alphabets, language).read(document)


class _Reader:
    """Reads one document; every handler is called by expat, in the document's order."""

    def __init__(self, mode: Mode, alphabets: Set[Alphabet], language: str) -> None:
        self._mode = mode
        self._language = language
        self._alphabets = alphabets
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._open: list[tuple[str, dict[str, str]]] = []
        self._styles = [Style()]
        self._captured: list[str] | None = None
        self._unheard = 0
        self._passages: list[Passage] = []
        self._next = Passage("", Style())
        self._text: list[str] = []
        self._sounds: list[Pronunciation] = []
        self._silence = 0.0
        self._warnings: dict[str, None] = {}

    def read(self, document: str) -> Script:
        try:
            self._parser.Parse(document, True)
        except expat.ExpatError as error:
            raise _refused(
                f"it is no XML: {expat.ErrorString(error.code)} at line {error.lineno}, "
                f"column {error.offset + 1}",
                "Close every element, and write & as &amp; and < as &lt;.",
            ) from error
        self._finish_passage()
        return Script(tuple(self._passages), self._next, tuple(self._warnings))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._open and name != "speak":
            raise self._wrong(f"its root is {name[:_QUOTED]}, not speak")
        if self._open and name == "speak":
            raise self._wrong("speak stands inside of speak")
        self._open.append((name, attributes))
        if len(self._open) > MAX_DEPTH:
            raise self._wrong(f"elements stand in each other more than {MAX_DEPTH} deep")
        if self._captured is not None:
            outside = self._open[-2][0]
            raise self._wrong(f"{name[:_QUOTED]} stands inside of {outside}, which holds text")
        self._styles.append(self._style(name, attributes))
        self._enter(name, attributes)

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        if name in {"p", "s"}:
            self._add(_BOUNDARY)
        elif name == "break":
            self._pause(attributes)
        elif name == "mark":
            self._finish_passage()
            marks = (*self._next.marks, self._required(name, attributes, "name"))
            self._next = replace(self._next, marks=marks)
        elif name in _HOLD_TEXT:
            self._captured = []
        elif name in UNHEARD:
            self._unheard += 1

    def _end(self, name: str) -> None:
        _, attributes = self._open.pop()
        if name in _HOLD_TEXT and self._captured is not None:
            written, self._captured = "".join(self._captured), None
            if name == "phoneme":
                self._pronounce(written, attributes)
            else:
                self._add(self._instead(name, attributes, written))
        self._styles.pop()
        if name in {"p", "s"}:
            self._add(_BOUNDARY)
        elif name in UNHEARD:
            self._unheard -= 1

    def _characters(self, text: str) -> None:
        if self._captured is not None:
            self._captured.append(text)
        else:
            # A line break in the document is white space; only p and s end a sentence.
            self._add(" ".join(text.split("\n")))

    def _add(self, text: str) -> None:
        if self._unheard:
            return
        style = self._styles[-1]
        if text.strip() and style != self._next.style:
            self._finish_passage()
            self._next = replace(self._next, style=style)
        self._text.append(text)

    def _finish_passage(self) -> None:
        """End the passage, unless it has nothing to hear: then its pause and marks are kept."""
        text = "".join(self._text)
        sounds = tuple(self._sounds)
        self._text.clear()
        self._sounds.clear()
        if not any(map(str.isalnum, text)):
            return
        self._passages.append(replace(self._next, text=text, pronunciations=sounds))
        self._next = Passage("", self._styles[-1])
        if len(self._passages) > MAX_PASSAGES:
            raise self._wrong(f"it has more than {MAX_PASSAGES} passages")

    def _pause(self, attributes: dict[str, str]) -> None:
        try:
            seconds = values.pause(attributes.get("time"), attributes.get("strength"))
        except values.WrongValueError as error:
            self._cannot(f"break: {error}")
            return
        if seconds > MAX_BREAK_SECONDS:
            self._cannot(f"a break of {seconds:g} s is longer than {MAX_BREAK_SECONDS:.0f} s")
            seconds = MAX_BREAK_SECONDS
        self._silence += seconds
        if self._silence > MAX_SILENCE_SECONDS:
            raise self._wrong(f"its breaks are longer than {MAX_SILENCE_SECONDS:.0f} s in all")
        if seconds:
            self._finish_passage()
            self._next = replace(self._next, pause=self._next.pause + seconds)

    def _pronounce(self, written: str, attributes: dict[str, str]) -> None:
        """Add a text with its own sound, or the text alone where that cannot be followed."""
        plain = " ".join(written.split())
        ipa = self._sounds_like(plain, attributes)
        self._add(plain)
        if ipa is None or self._unheard:
            return
        end = sum(map(len, self._text))
        self._sounds.append(Pronunciation(end - len(plain), end, ipa))

    def _sounds_like(self, text: str, attributes: dict[str, str]) -> str | None:
        alphabet = attributes.get("alphabet", Alphabet.IPA)
        phonemes = self._required("phoneme", attributes, "ph")
        if not self._alphabets:
            self._cannot("phoneme is not followed by this model")
        elif alphabet not in self._alphabets:
            known = ", ".join(sorted(self._alphabets))
            self._cannot(f"phoneme: alphabet {alphabet[:_QUOTED]!r} is none of {known}")
        elif not 0 < len(text) <= LONGEST:
            self._cannot(f"phoneme stands for a text of 1 to {LONGEST} characters, to be shown")
        else:
            try:
                return as_ipa(phonemes, Alphabet(alphabet))
            except WrongPhonemesError as error:
                self._cannot(f"phoneme: {error}")
        return None

    def _instead(self, name: str, attributes: dict[str, str], written: str) -> str:
        if name == "sub":
            return self._required(name, attributes, "alias")
        kind = self._required(name, attributes, "interpret-as")
        language = self._styles[-1].language or self._language
        try:
            return values.said_as(written, kind, attributes.get("format"), language)
        except values.WrongValueError as error:
            self._cannot(f"say-as: {error}")
            return written

    def _style(self, name: str, attributes: dict[str, str]) -> Style:
        """The style inside of an element, after a look at whether it is understood."""
        self._check(name, attributes)
        style = self._styles[-1]
        language = attributes.get("xml:lang")
        if language is not None and name in ELEMENTS:
            if not is_tag(language):
                raise self._wrong(f"xml:lang {language[:_QUOTED]!r} is no tag such as en or en-GB")
            style = replace(style, language=language)
        if name == "voice":
            style = replace(style, voice=self._required(name, attributes, "name"))
        if name == "lang":
            self._required(name, attributes, "xml:lang")
        if name == "prosody":
            style = self._prosody(style, attributes)
        return style

    def _prosody(self, style: Style, attributes: dict[str, str]) -> Style:
        try:
            rate = values.rate(attributes.get("rate", "medium"))
            gain = values.gain(attributes.get("volume", "medium"))
        except values.WrongValueError as error:
            self._cannot(f"prosody: {error}")
            return style
        return replace(style, rate=style.rate * rate, gain=style.gain * gain)

    def _check(self, name: str, attributes: dict[str, str]) -> None:
        element = ELEMENTS.get(name)
        if element is None:
            known = ", ".join(each for each, it in ELEMENTS.items() if it.support is Support.FULL)
            self._cannot(f"{name[:_QUOTED]} is not understood; these are: {known}")
            return
        if element.support is Support.REFUSED:
            raise self._wrong(f"{name} is not allowed: {element.note}")
        if element.support is Support.IGNORED:
            self._warn(f"{name} is not followed")
        for attribute in attributes:
            if attribute in element.ignored:
                if element.support is not Support.IGNORED:
                    self._warn(f"{name}: {attribute} is not followed")
            elif attribute not in element.attributes and not _is_harmless(attribute):
                self._cannot(f"{name} has no attribute {attribute[:_QUOTED]!r}")

    def _required(self, name: str, attributes: dict[str, str], attribute: str) -> str:
        value = attributes.get(attribute, "")
        if not value.strip():
            raise self._wrong(f"{name} needs its attribute {attribute}")
        return value

    def _cannot(self, what: str) -> None:
        """Refuse what cannot be followed, or warn of it, as the mode says."""
        if self._mode is Mode.STRICT:
            raise self._wrong(what)
        self._warn(what)

    def _warn(self, what: str) -> None:
        if len(self._warnings) < _MAX_WARNINGS:
            # Warnings go into a header, which is ASCII.
            plain = what.encode("ascii", "backslashreplace").decode()
            self._warnings.setdefault(f"SSML: {plain}")

    def _wrong(self, what: str) -> SpeechError:
        line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1
        return _refused(f"{what} (line {line}, column {column})", None)


def _is_harmless(attribute: str) -> bool:
    return attribute in HARMLESS or attribute.startswith(("xmlns:", "xsi:"))


def _refused(what: str, suggestion: str | None) -> SpeechError:
    return SpeechError(
        ErrorCode.INVALID_SSML,
        f"The SSML cannot be spoken: {what}.",
        param="input",
        suggestion=suggestion,
    )
