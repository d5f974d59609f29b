"""Languages and time zones: every route once, against the documented names, types and statuses."""

from tests.sim.walk import TEXT, Shape, Walk

LANGUAGE: Shape = {"locale": TEXT, "displayName": TEXT}
ZONE: Shape = {"alias": TEXT, "displayName": TEXT}


async def walk_outlook(walk: Walk) -> None:
    languages = await walk.rows("/outlook/supportedLanguages", LANGUAGE)
    assert "de-DE" in [row["locale"] for row in languages]
    await walk.rows("/outlook/supportedTimeZones", ZONE)
    for text in ("Iana", "iana"):
        rows = await walk.rows(
            f"/outlook/supportedTimeZones(TimeZoneStandard=microsoft.graph.timeZoneStandard'{text}')", ZONE
        )
        aliases = {row["alias"] for row in rows}
        assert {"UTC", "Europe/Berlin"} <= aliases
        assert "W. Europe Standard Time" not in aliases
    await walk.ask("GET", "/outlook/supportedTimeZones(TimeZoneStandard='Sundial')", status=400)
    for row in languages:
        await walk.ask("PATCH", "/mailboxSettings", {"language": {"locale": row["locale"]}})


WALKS = (walk_outlook,)
