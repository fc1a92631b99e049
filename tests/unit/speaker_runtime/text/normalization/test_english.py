"""English written forms in words, for a model that reads none of them itself."""

import pytest

from speaker_runtime.text.normalization import normalize

AMERICAN = [
    ("I have 3 apples.", "I have three apples."),
    ("1,500 people", "one thousand five hundred people"),
    ("It was -5 outside, 3.14 inside.", "It was minus five outside, three point one four inside."),
    ("Agent 007", "Agent zero zero seven"),
    ("10-20 people, 5\u20136 of them", "ten to twenty people, five to six of them"),
    ("The 1st and the 22nd", "The first and the twenty-second"),
    ("It costs $1.", "It costs one dollar."),
    ("$1,234.56", "one thousand two hundred thirty-four dollars and fifty-six cents"),
    ("\u00a35.01 or \u20ac0.50", "five pounds and one penny or fifty cents"),
    ("$5 million, $2.5bn", "five million dollars, two point five billion dollars"),
    ("CHF 20 and 3 USD", "twenty Swiss francs and three US dollars"),
    ("25% of 5 km", "twenty-five percent of five kilometers"),
    ("1 kg at 60 mph", "one kilogram at sixty miles per hour"),
    ("-5 \u00b0F", "minus five degrees Fahrenheit"),
    ("80 m\u00b2, x\u00b2, 6'2\"", "eighty square meters, x squared, six feet two inches"),
    ("\u00bd cup, 1\u00bd cups, 3/4", "one half cup, one and a half cups, three quarters"),
    ("Nov 23, 2026", "November twenty-third, twenty twenty-six"),
    ("2026-11-23", "November twenty-third, twenty twenty-six"),
    ("11/23/2026", "November twenty-third, twenty twenty-six"),
    ("on 23 May", "on the twenty-third of May"),
    ("the 23rd of May", "the twenty-third of May"),
    ("In 1999, in 2005.", "In nineteen ninety-nine, in two thousand five."),
    ("the 1990s and the '80s", "the nineteen nineties and the eighties"),
    ("3:05 p.m. or 7am", "three oh five P M or seven A M"),
    ("14:30, 10:00", "fourteen thirty, ten o'clock"),
    ("Dr. Smith vs. Mr. Jones, e.g.", "Doctor Smith versus Mister Jones, for example"),
    ("+1 (555) 123-4567", "plus one, five five five, one two three, four five six seven"),
    ("v1.2.3 at 10.0.0.1", "v one point two point three at ten dot zero dot zero dot one"),
    ("bob@example.com", "bob at example dot com"),
    ("http://localhost:8080/docs", "localhost port eight thousand eighty slash docs"),
    ("R&D, 5+3, ~5, 5\u00d73", "R and D, five plus three, about five, five times three"),
    ("MP3 and B2B", "MP three and B two B"),
]

BRITISH = [
    ("123 people", "one hundred and twenty-three people"),
    ("23/11/2026", "the twenty-third of November, twenty twenty-six"),
]


@pytest.mark.parametrize(("written", "words"), AMERICAN)
def test_american_english(written: str, words: str) -> None:
    assert normalize(written, "en-US") == words


@pytest.mark.parametrize(("written", "words"), BRITISH)
def test_british_english(written: str, words: str) -> None:
    assert normalize(written, "en-GB") == words
