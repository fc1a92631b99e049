"""Spanish written forms in words."""

import pytest

from speaker_runtime.text.normalization import normalize

ROWS = [
    ("Tengo 3 manzanas.", "Tengo tres manzanas."),
    ("1 pera, 21 personas, 31 libros", "una pera, veintiuna personas, treinta y un libros"),
    ("3,14 y 0,05", "tres coma catorce y cero coma cero cinco"),
    ("1.234 y -5", "mil doscientos treinta y cuatro y menos cinco"),
    ("10-20 personas", "diez a veinte personas"),
    ("Agente 007", "Agente cero cero siete"),
    ("Cuesta 5,99 €.", "Cuesta cinco euros con noventa y nueve céntimos."),
    ("1 €, 0,50 €", "un euro, cincuenta céntimos"),
    ("1.000.000 €", "un millón de euros"),
    ("5 millones €", "cinco millones de euros"),
    ("$5 y £21", "cinco dólares y veintiuna libras"),
    ("El 1 de enero de 2026", "El uno de enero de dos mil veintiséis"),
    ("23/11/2026", "veintitrés de noviembre de dos mil veintiséis"),
    ("2026-11-23", "veintitrés de noviembre de dos mil veintiséis"),
    ("en 1999", "en mil novecientos noventa y nueve"),
    ("a las 14:30", "a las catorce treinta"),
    ("a las 9:00", "a las nueve horas"),
    ("3:05 p. m.", "tres y cinco de la tarde"),
    ("el 1.er piso", "el primer piso"),
    ("la 2.ª planta, el 3º", "la segunda planta, el tercero"),
    ("el siglo XIX", "el siglo diecinueve"),
    ("21 km", "veintiún kilómetros"),
    ("1 h, 31 h", "una hora, treinta y una horas"),
    ("100 km/h", "cien kilómetros por hora"),
    ("80 m² a -5 °C", "ochenta metros cuadrados a menos cinco grados Celsius"),
    ("25 %", "veinticinco por ciento"),
    ("1/2 litro, 3/4", "medio litro, tres cuartos"),
    ("El Sr. Gómez y la Sra. Ruiz", "El señor Gómez y la señora Ruiz"),
    ("p. ej. esto, etc.", "por ejemplo esto, etcétera"),
    ("n.º 5, EE. UU.", "número cinco, Estados Unidos"),
    ("ana@ejemplo.es", "ana arroba ejemplo punto es"),
    ("www.ejemplo.es/pagina", "ejemplo punto es barra pagina"),
    ("+34 600 12", "más tres cuatro, seis cero cero, uno dos"),
    ("5 + 3 = 8", "cinco más tres igual a ocho"),
    ("B2B", "B dos B"),
]


@pytest.mark.parametrize(("written", "words"), ROWS)
def test_spanish(written: str, words: str) -> None:
    assert normalize(written, "es") == words
