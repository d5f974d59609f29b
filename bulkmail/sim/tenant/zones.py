"""The time zones that the service knows: those of Windows, and those of the IANA database."""

from datetime import UTC, datetime, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

_CITIES = {
    "Africa": (
        "Cairo = Egypt, Casablanca = Morocco, Johannesburg = South Africa, Juba = South Sudan, Khartoum = Sudan, "
        "Lagos = W. Central Africa, Nairobi = E. Africa, Sao_Tome = Sao Tome, Tripoli = Libya, Windhoek = Namibia"
    ),
    "America": (
        "Adak = Aleutian, Anchorage = Alaskan, Araguaina = Tocantins, Asuncion = Paraguay, Bahia = Bahia, "
        "Bogota = SA Pacific, Buenos_Aires = Argentina, Cancun = !Eastern Standard Time (Mexico), "
        "Caracas = Venezuela, Cayenne = SA Eastern, Chicago = Central, Cuiaba = Central Brazilian, "
        "Denver = Mountain, Edmonton = Alberta, Godthab = Greenland, Grand_Turk = Turks And Caicos, "
        "Guatemala = Central America, Halifax = Atlantic, Havana = Cuba, Indianapolis = US Eastern, "
        "La_Paz = SA Western, Los_Angeles = Pacific, Mazatlan = !Mountain Standard Time (Mexico), "
        "Mexico_City = !Central Standard Time (Mexico), Miquelon = Saint Pierre, Montevideo = Montevideo, "
        "New_York = Eastern, Phoenix = US Mountain, Port-au-Prince = Haiti, Punta_Arenas = Magallanes, "
        "Regina = Canada Central, Santiago = Pacific SA, Sao_Paulo = E. South America, St_Johns = Newfoundland, "
        "Tijuana = !Pacific Standard Time (Mexico), Vancouver = British Columbia, Whitehorse = Yukon, "
        "Winnipeg = Manitoba"
    ),
    "Asia": (
        "Amman = Jordan, Baghdad = Arabic, Baku = Azerbaijan, Bangkok = SE Asia, Barnaul = Altai, "
        "Beirut = Middle East, Bishkek = Central Asia, Calcutta = India, Chita = Transbaikal, "
        "Colombo = Sri Lanka, Damascus = Syria, Dhaka = Bangladesh, Dubai = Arabian, Hebron = West Bank, "
        "Hovd = W. Mongolia, Irkutsk = North Asia East, Jerusalem = Israel, Kabul = Afghanistan, "
        "Kamchatka = Kamchatka, Kamchatka = !Russia Time Zone 11, Karachi = Pakistan, Katmandu = Nepal, "
        "Krasnoyarsk = North Asia, Magadan = Magadan, Novosibirsk = N. Central Asia, Omsk = Omsk, "
        "Pyongyang = North Korea, Qyzylorda = Qyzylorda, Rangoon = Myanmar, Riyadh = Arab, Sakhalin = Sakhalin, "
        "Seoul = Korea, Shanghai = China, Singapore = Singapore, Srednekolymsk = !Russia Time Zone 10, "
        "Taipei = Taipei, Tashkent = West Asia, Tbilisi = Georgian, Tehran = Iran, Tokyo = Tokyo, Tomsk = Tomsk, "
        "Ulaanbaatar = Ulaanbaatar, Vladivostok = Vladivostok, Yakutsk = Yakutsk, Yekaterinburg = Ekaterinburg, "
        "Yerevan = Caucasus"
    ),
    "Atlantic": ("Azores = Azores, Cape_Verde = Cape Verde, Reykjavik = Greenwich"),
    "Australia": (
        "Adelaide = Cen. Australia, Brisbane = E. Australia, Darwin = AUS Central, Eucla = Aus Central W., "
        "Hobart = Tasmania, Lord_Howe = Lord Howe, Perth = W. Australia, Sydney = AUS Eastern"
    ),
    "Etc": (
        "GMT+11 = !UTC-11, GMT+12 = Dateline, GMT+2 = Mid-Atlantic, GMT+2 = !UTC-02, GMT+8 = !UTC-08, "
        "GMT+9 = !UTC-09, GMT-12 = !UTC+12, GMT-13 = !UTC+13"
    ),
    "Europe": (
        "Astrakhan = Astrakhan, Berlin = W. Europe, Bucharest = GTB, Budapest = Central Europe, "
        "Chisinau = E. Europe, Istanbul = Turkey, Kaliningrad = Kaliningrad, Kiev = FLE, London = GMT, "
        "Minsk = Belarus, Moscow = Russian, Paris = Romance, Samara = !Russia Time Zone 3, Saratov = Saratov, "
        "Volgograd = Volgograd, Warsaw = Central European"
    ),
    "Indian": ("Mauritius = Mauritius"),
    "Pacific": (
        "Apia = Samoa, Auckland = New Zealand, Bougainville = Bougainville, Chatham = Chatham Islands, "
        "Easter = Easter Island, Fiji = Fiji, Guadalcanal = Central Pacific, Honolulu = Hawaiian, "
        "Kiritimati = Line Islands, Marquesas = Marquesas, Norfolk = Norfolk, Port_Moresby = West Pacific, "
        "Tongatapu = Tonga"
    ),
}
"""By continent, cities, each with the zone of Windows that has its time; `!` stands before a name that is whole."""

WINDOWS = {"UTC": "Etc/UTC"} | {
    name[1:] if name[0] == "!" else f"{name} Standard Time": f"{area}/{city}"
    for area, cities in _CITIES.items()
    for city, name in (pair.split(" = ") for pair in cities.split(", "))
}
AREAS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific", "Etc")


@cache
def iana() -> tuple[str, ...]:
    """Names with an area, which are all that the service takes."""
    return tuple(sorted(name for name in available_timezones() if name.partition("/")[0] in AREAS and "/" in name))


@lru_cache(1024)
def zone(name: str) -> tzinfo | None:
    """A zone by either name, in any case; None for one that the service does not know."""
    spelled = _spelled().get(name.casefold(), "")
    return UTC if spelled == "UTC" else ZoneInfo(WINDOWS.get(spelled, spelled)) if spelled else None


@cache
def _spelled() -> dict[str, str]:
    return {known.casefold(): known for known in (*iana(), *WINDOWS)}


def moved(moment: datetime, begin: tzinfo, end: tzinfo) -> datetime:
    """A moment without a zone, meant in `begin`, as it is called in `end`."""
    return moment.replace(tzinfo=begin).astimezone(end).replace(tzinfo=None)
