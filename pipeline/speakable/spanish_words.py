"""Spanish names of months, measures and money, and what its abbreviations stand for."""

from __future__ import annotations

from pipeline.speakable.signs import Replacements
from pipeline.speakable.wording import Currency, Noun

MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio",
    "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
)  # fmt: skip
SHORT_MONTHS = {
    "setiembre": 9, "ene": 1, "feb": 2, "abr": 4, "jun": 6, "jul": 7, "ago": 8, "sept": 9, "sep": 9, "oct": 10,
    "nov": 11, "dic": 12,
}  # fmt: skip
"""Other spelling and abbreviations; "mar" and "may" are left out for being words or days."""

DAYS = {
    "lun": "lunes", "mar": "martes", "mié": "miércoles", "mie": "miércoles", "jue": "jueves", "vie": "viernes",
    "sáb": "sábado", "sab": "sábado", "dom": "domingo",
    "L": "lunes", "M": "martes", "X": "miércoles", "J": "jueves", "V": "viernes", "S": "sábado", "D": "domingo",
}  # fmt: skip

DECIMAL_POINT_REGIONS = frozenset({"MX", "US", "PR", "GT", "SV", "HN", "NI", "PA", "DO", "PE"})
"""Where Spanish is written with a decimal point."""

DOLLAR_REGIONS = frozenset({"", "ES", "US", "PR", "EC", "SV", "PA"})
"""Where ``$`` is a dollar; elsewhere it is a peso."""

_CENTAVO = Noun("centavo", "centavos")
_CENTIMO = Noun("céntimo", "céntimos")
PESO = Currency(Noun("peso", "pesos"), _CENTAVO)
_DOLLAR = Currency(Noun("dólar", "dólares"), _CENTAVO)
_EURO = Currency(Noun("euro", "euros"), _CENTIMO)
_POUND = Currency(Noun("libra", "libras", feminine=True), Noun("penique", "peniques"))

CURRENCIES = {
    "$": _DOLLAR, "US$": _DOLLAR, "USD": _DOLLAR, "€": _EURO, "EUR": _EURO, "£": _POUND, "GBP": _POUND,
    "MX$": PESO, "MXN": PESO, "¢": Currency(_CENTAVO), "¥": Currency(Noun("yen", "yenes")),
    "céntimos": Currency(_CENTIMO), "cts": Currency(_CENTIMO),
}  # fmt: skip

_MASCULINE = {
    "mg": "miligramo", "g": "gramo", "gr": "gramo", "grs": "gramo", "kg": "kilo", "kgs": "kilo", "Kg": "kilo",
    "ml": "mililitro", "mL": "mililitro", "cl": "centilitro", "dl": "decilitro", "l": "litro", "L": "litro",
    "mm": "milímetro", "cm": "centímetro", "m": "metro", "km": "kilómetro",
    "W": "vatio", "kW": "kilovatio", "V": "voltio", "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte",
    "GB": "gigabyte", "TB": "terabyte", "min": "minuto", "mins": "minuto", "seg": "segundo", "ms": "milisegundo",
    "kJ": "kilojulio", "ft": "pie", "°": "grado",
}  # fmt: skip
_FEMININE = {
    "t": "tonelada", "h": "hora", "hs": "hora", "hrs": "hora", "lb": "libra", "lbs": "libra", "oz": "onza",
    "oz.": "onza",
    "cal": "caloría", "kcal": "kilocaloría", "mi": "milla", "ud": "unidad/unidades", "uds": "unidad/unidades",
    "ud.": "unidad/unidades", "uds.": "unidad/unidades", "u.": "unidad/unidades", "cda": "cucharada",
    "cdta": "cucharadita", "pza": "pieza", "pzas": "pieza", "″": "pulgada", "pulg": "pulgada",
}  # fmt: skip
_PHRASES = {
    "m²": Noun("metro cuadrado", "metros cuadrados"), "m2": Noun("metro cuadrado", "metros cuadrados"),
    "cm²": Noun("centímetro cuadrado", "centímetros cuadrados"),
    "km²": Noun("kilómetro cuadrado", "kilómetros cuadrados"),
    "m³": Noun("metro cúbico", "metros cúbicos"), "m3": Noun("metro cúbico", "metros cúbicos"),
    "km/h": Noun("kilómetro por hora", "kilómetros por hora"), "kWh": Noun("kilovatio hora", "kilovatios hora"),
    "mAh": Noun("miliamperio hora", "miliamperios hora"), "GHz": Noun("gigahercio", "gigahercios"),
    "MHz": Noun("megahercio", "megahercios"), "Hz": Noun("hercio", "hercios"),
    "°C": Noun("grado", "grados"), "ºC": Noun("grado", "grados"), "° C": Noun("grado", "grados"),
    "°F": Noun("grado Fahrenheit", "grados Fahrenheit"), "ºF": Noun("grado Fahrenheit", "grados Fahrenheit"),
    "%": Noun("por ciento", "por ciento"), "‰": Noun("por mil", "por mil"),
}  # fmt: skip


def _noun(names: str, *, feminine: bool) -> Noun:
    one, _, many = names.partition("/")
    return Noun(one, many or one + "s", feminine)


UNITS = (
    {sign: _noun(name, feminine=False) for sign, name in _MASCULINE.items()}
    | {sign: _noun(name, feminine=True) for sign, name in _FEMININE.items()}
    | _PHRASES
)

_CENTS_BEFORE = r"(?:(?<=\d[.,]\d)|(?<=\d[.,]\d\d))\s?"
ABBREVIATIONS = Replacements(
    {
        r"(?:EE\.\s?UU\.|EEUU)": "Estados Unidos",
        r"[Ss]rta\.": "señorita",
        r"[Ss]ras\.": "señoras",
        r"[Ss]ra\.": "señora",
        r"[Ss]res\.": "señores",
        r"[Ss]r\.": "señor",
        r"Dra\.": "doctora",
        r"Dr\.": "doctor",
        r"[UV]ds\.": "ustedes",
        r"[UV]d\.": "usted",
        r"[Pp]\.\s?ej\.,?": "por ejemplo,",
        r"etc\.(?=\s*$|\s+[A-ZÁÉÍÓÚÑ¿¡])": "etcétera.",
        r"etc\b\.?": "etcétera",
        r"(?:[Nn]\.?\s?[º°]|[Nn]ro\.|[Nn]úm\.|No\.)\s?(?=\d)|№\s?": "número ",
        r"[Pp]ágs?\.\s?(?=\d)": "página ",
        r"(?:[Tt]el|[Tt]lf|[Tt]elf)\b\.?:?(?=\s*[+(\d])": "teléfono",
        r"[Ee]xt\.(?=\s*\d)": "extensión",
        r"[Aa]prox\.": "aproximadamente",
        r"[Ii]ncl\.": "incluido",
        r"[Mm]áx\.": "máximo",
        r"[Mm]ín\.": "mínimo",
        r"(?:[Aa]vda|[Aa]v)\.": "avenida",
        r"[Pp]za\.": "plaza",
        r"[Dd]pto\.": "departamento",
        r"[Ii]zq\.": "izquierda",
        r"[Dd]cha\.": "derecha",
        r"c/(?=\s?[A-ZÁÉÍÓÚÑ])\s?": "calle ",
        r"c/u\b": "cada uno",
        r"la 1(?=\W|$)(?![.,:]\d)": "la una",
        r"24/7": "veinticuatro siete",
        r"℃": "°C",
        # An amount with cents is money told by its sign: "5,40 euros" is no "cinco coma cuatro cero euros".
        rf"{_CENTS_BEFORE}euros?\b": " €",
        rf"{_CENTS_BEFORE}dólar(?:es)?\b": " US$",
        rf"{_CENTS_BEFORE}pesos?\b": " MX$",
    }
)

SIGNS = Replacements(
    {
        r"\s?&\s?": " y ",
        r"(?<=\w)\+(?=\W|$)|(?<!\S)\+(?=\s)|(?<=\s)\+(?=\w)|(?<=\w)\+(?=\w)": " más ",
        r"(?<=\w)\s?=\s?(?=\w)": " igual a ",
        r"#(?=\w)": "",
        r"@": " arroba ",
        r"%": " por ciento",
        r"(?<=\w)\s?×\s?(?=\w)": " por ",
        r"[~≈](?=\s?\w)": "aproximadamente ",
        r"±\s?": "más o menos ",
        r"≤\s?": "como máximo ",
        r"≥\s?": "como mínimo ",
        r"°": " grados",
        r"\$": " dólares ",
        r"€": " euros ",
        r"£": " libras ",
    }
)
