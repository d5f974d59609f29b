"""The languages and time zones that a mailbox may be set to. One in sixteen is on an older server, which lacks some."""

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant import words
from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.tenant.zones import WINDOWS, iana

OTHERS = {
    "bg-BG": "Bulgarian (Bulgaria)", "cs-CZ": "Czech (Czechia)", "da-DK": "Danish (Denmark)",
    "de-AT": "German (Austria)", "de-CH": "German (Switzerland)", "el-GR": "Greek (Greece)",
    "en-AU": "English (Australia)", "en-CA": "English (Canada)", "en-IE": "English (Ireland)",
    "en-IN": "English (India)", "es-ES": "Spanish (Spain)", "es-MX": "Spanish (Mexico)", "et-EE": "Estonian (Estonia)",
    "fi-FI": "Finnish (Finland)", "fr-BE": "French (Belgium)", "fr-CA": "French (Canada)",
    "fr-CH": "French (Switzerland)", "he-IL": "Hebrew (Israel)", "hi-IN": "Hindi (India)",
    "hr-HR": "Croatian (Croatia)", "hu-HU": "Hungarian (Hungary)", "is-IS": "Icelandic (Iceland)",
    "it-IT": "Italian (Italy)", "ko-KR": "Korean (Korea)", "lt-LT": "Lithuanian (Lithuania)",
    "lv-LV": "Latvian (Latvia)", "mt-MT": "Maltese (Malta)", "nb-NO": "Norwegian Bokmål (Norway)",
    "nl-BE": "Dutch (Belgium)", "nl-NL": "Dutch (Netherlands)", "pt-PT": "Portuguese (Portugal)",
    "ro-RO": "Romanian (Romania)", "sk-SK": "Slovak (Slovakia)", "sl-SI": "Slovenian (Slovenia)",
    "sv-FI": "Swedish (Finland)", "sv-SE": "Swedish (Sweden)", "th-TH": "Thai (Thailand)",
    "tr-TR": "Turkish (Türkiye)", "uk-UA": "Ukrainian (Ukraine)", "vi-VN": "Vietnamese (Vietnam)",
    "zh-CN": "Chinese (China)", "zh-TW": "Chinese (Taiwan)",
}  # fmt: skip
LANGUAGES = {row[0]: row[1] for row in words.LANGUAGES} | OTHERS
NEWER = frozenset({
    "is-IS", "mt-MT", "Yukon Standard Time", "Qyzylorda Standard Time", "Volgograd Standard Time", "Europe/Kyiv",
})  # fmt: skip


def lacking(seed: int, number: int) -> frozenset[str]:
    """What the server of this mailbox is too old for."""
    return frozenset() if mix(seed, number, 71) & 15 else NEWER


def languages(seed: int, number: int) -> list[Json]:
    without = lacking(seed, number)
    return [{"locale": name, "displayName": told} for name, told in LANGUAGES.items() if name not in without]


def time_zones(standard: str, seed: int, number: int) -> list[Json]:
    """By the names of Windows, or by those of IANA, which have an area."""
    names = WINDOWS if standard == "windows" else ("UTC", *iana())
    return [{"alias": one, "displayName": f"(UTC) {one}"} for one in names if one not in lacking(seed, number)]
