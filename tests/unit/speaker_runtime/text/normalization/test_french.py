"""French written forms in words."""

import pytest

from speaker_runtime.text.normalization import normalize

ROWS = [
    ("J'ai 3 pommes.", "J'ai trois pommes."),
    ("71, 80, 81, 91", "soixante-et-onze, quatre-vingts, quatre-vingt-un, quatre-vingt-onze"),
    ("3,14 et 0,05", "trois virgule quatorze et zéro virgule zéro cinq"),
    ("1 234 et -5", "mille deux cent trente-quatre et moins cinq"),
    ("10-20 personnes", "dix à vingt personnes"),
    ("Agent 007", "Agent zéro zéro sept"),
    ("5,99 €", "cinq euros quatre-vingt-dix-neuf"),
    ("1 €, 0,50 €", "un euro, cinquante centimes"),
    ("1 000 000 €", "un million d'euros"),
    ("2 millions d'euros", "deux millions d'euros"),
    ("5 M€ et 3 milliards $", "cinq millions d'euros et trois milliards de dollars"),
    ("£21", "vingt-et-une livres"),
    ("le 1er janvier 2026", "le premier janvier deux mille vingt-six"),
    ("le 1 mai, le 23 novembre", "le premier mai, le vingt-trois novembre"),
    ("23/11/2026", "vingt-trois novembre deux mille vingt-six"),
    ("2026-11-23", "vingt-trois novembre deux mille vingt-six"),
    ("en 1999", "en mille neuf cent quatre-vingt-dix-neuf"),
    ("à 14h30, à 9 h", "à quatorze heures trente, à neuf heures"),
    ("à 1:05", "à une heure cinq"),
    ("1 h 21", "une heure vingt-et-une"),
    ("le 2e, la 1re, le 21ème", "le deuxième, la première, le vingt-et-unième"),
    ("la 2nde", "la seconde"),
    ("le XIXe siècle", "le dix-neuvième siècle"),
    ("21 km, 1 t", "vingt-et-un kilomètres, une tonne"),
    ("1,5 l", "un virgule cinq litre"),
    ("80 m² à -5 °C", "quatre-vingts mètres carrés à moins cinq degrés Celsius"),
    ("25 %, 100 km/h", "vingt-cinq pour cent, cent kilomètres à l'heure"),
    ("1/2 et 3/4", "un demi et trois quarts"),
    ("M. Dupont et Mme Petit", "monsieur Dupont et madame Petit"),
    ("p. ex. ceci, etc.", "par exemple ceci, et cetera"),
    ("n° 5", "numéro cinq"),
    ("jean@exemple.fr", "jean arobase exemple point fr"),
    ("www.exemple.fr/page", "exemple point fr barre oblique page"),
    ("+33 6 12 34 56", "plus trois trois, six, un deux, trois quatre, cinq six"),
    ("A & B, 5 + 3 = 8", "A et B, cinq plus trois égale huit"),
]


@pytest.mark.parametrize(("written", "words"), ROWS)
def test_french(written: str, words: str) -> None:
    assert normalize(written, "fr") == words
