"""A mailbox is set to what its own lists hold, and to nothing else."""

from bulkmail.sim.families.outlook.content import NEWER, lacking
from tests.sim.desk import Desk, rehearse


def test_what_is_in_the_lists_of_a_mailbox_can_be_set_there() -> None:
    async def act(desk: Desk) -> None:
        seed = desk.sim.tenant.seed
        old, new = (next(n for n in range(99) if bool(lacking(seed, n)) is wanted) for wanted in (True, False))
        for number, status in ((old, 400), (new, 200)):
            path = desk.user(number)
            zones = {row["alias"] for row in (await desk.get(f"{path}/outlook/supportedTimeZones")).body["value"]}
            told = (await desk.get(f"{path}/outlook/supportedLanguages")).body["value"]
            assert bool(NEWER & (zones | {row["locale"] for row in told})) is (number == new)
            for wish, code in (
                ({"timeZone": "Yukon Standard Time"}, "InvalidTimeZone"),
                ({"workingHours": {"timeZone": {"name": "Yukon Standard Time"}}}, "InvalidTimeZone"),
                ({"language": {"locale": "IS-is"}}, "ErrorInvalidLocale"),
            ):
                reply = await desk.ask("PATCH", f"{path}/mailboxSettings", wish)
                assert reply.status == status, wish
                assert status == 200 or reply.code == code

    rehearse(act)


def test_what_is_in_no_list_can_be_set_nowhere() -> None:
    async def act(desk: Desk) -> None:
        path = f"{desk.user()}/mailboxSettings"
        for zone in ("Mars Standard Time", "CET", "Europe/Atlantis", ""):
            assert (await desk.ask("PATCH", path, {"timeZone": zone})).code == "InvalidTimeZone"
        for locale in ("xx-XX", "", None, "en_US"):
            assert (await desk.ask("PATCH", path, {"language": {"locale": locale}})).code == "ErrorInvalidLocale"

    rehearse(act)
