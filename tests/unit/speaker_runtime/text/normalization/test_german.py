"""German written forms in words."""

import pytest

from speaker_runtime.text.normalization import normalize

ROWS = [
    ("Ich habe 3 Äpfel.", "Ich habe drei Äpfel."),
    ("1 Birne und 1 Apfel", "eine Birne und ein Apfel"),
    ("3,14 oder -5", "drei Komma eins vier oder minus fünf"),
    ("1.234 und 1 000 000", "eintausendzweihundertvierunddreißig und eine Million"),
    ("10-20 Stück", "zehn bis zwanzig Stück"),
    ("Raum 007", "Raum null null sieben"),
    ("Das kostet 5,99 €.", "Das kostet fünf Euro neunundneunzig."),
    ("1 €, 0,50 €, 20,00 EUR", "ein Euro, fünfzig Cent, zwanzig Euro"),
    ("5 Mio. €", "fünf Millionen Euro"),
    ("2,5 Milliarden $", "zwei Komma fünf Milliarden Dollar"),
    ("1 CHF und £3", "ein Franken und drei Pfund"),
    ("Am 1. Januar 2026", "Am ersten Januar zweitausendsechsundzwanzig"),
    ("der 23. November", "der dreiundzwanzigste November"),
    ("Am 23.11.2026.", "Am dreiundzwanzigsten November zweitausendsechsundzwanzig."),
    ("2026-11-23", "dreiundzwanzigster November zweitausendsechsundzwanzig"),
    ("Heute ist der 1.5.", "Heute ist der erste Mai"),
    ("im Jahr 1999", "im Jahr neunzehnhundertneunundneunzig"),
    ("die 1990er", "die neunzehnhundertneunziger"),
    ("um 14:30 Uhr", "um vierzehn Uhr dreißig"),
    ("um 8 Uhr oder 14.05 Uhr", "um acht Uhr oder vierzehn Uhr fünf"),
    ("1:00", "ein Uhr"),
    (
        "der 3. Platz, am 3. Tag, mein 2. Versuch",
        "der dritte Platz, am dritten Tag, mein zweiter Versuch",
    ),
    ("Wir kommen am 5.", "Wir kommen am fünften."),
    ("5 km in 30 min", "fünf Kilometer in dreißig Minuten"),
    ("1 t, 1 h, 1 kg", "eine Tonne, eine Stunde, ein Kilogramm"),
    ("80 m² bei -5 °C", "achtzig Quadratmeter bei minus fünf Grad Celsius"),
    ("25 % und 100 km/h", "fünfundzwanzig Prozent und einhundert Kilometer pro Stunde"),
    ("½, 1½, 3/4", "ein halb, eineinhalb, drei Viertel"),
    ("z. B. Dr. Müller usw.", "zum Beispiel Doktor Müller und so weiter"),
    ("ca. 5, Nr. 6", "circa fünf, Nummer sechs"),
    ("max@beispiel.de", "max at beispiel Punkt de"),
    ("www.beispiel.de/seite", "beispiel Punkt de Schrägstrich seite"),
    ("+49 170 12", "plus vier neun, eins sieben null, eins zwei"),
    ("10.0.0.1", "zehn Punkt null Punkt null Punkt eins"),
    ("Müller & Co, 5 + 3 = 8", "Müller und Co, fünf plus drei gleich acht"),
    ("MP3, A4", "MP drei, A vier"),
]


@pytest.mark.parametrize(("written", "words"), ROWS)
def test_german(written: str, words: str) -> None:
    assert normalize(written, "de") == words
