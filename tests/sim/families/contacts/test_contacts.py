"""Contacts, found by the mark that their writer gave them."""

from urllib.parse import quote

from tests.sim.desk import Desk, rehearse

MARK = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Key"


def test_contacts_are_found_by_an_extended_property() -> None:
    async def act(desk: Desk) -> None:
        base = f"{desk.user()}/contacts"
        for number in range(3):
            mark = [{"id": MARK, "value": f"k{number}"}]
            await desk.ask("POST", base, {"displayName": f"c{number}", "singleValueExtendedProperties": mark})
        test = f"singleValueExtendedProperties/Any(ep: ep/id eq '{MARK.lower()}' and ep/value eq 'k1')"
        rows = await desk.pages(f"{base}?$filter={quote(test)}")
        assert [row["displayName"] for row in rows] == ["c1"]
        assert "singleValueExtendedProperties" not in rows[0]
        expand = quote(f"singleValueExtendedProperties($filter=id eq '{MARK}')")
        shown = (await desk.get(f"{base}/{rows[0]['id']}?$expand={expand}")).body
        assert shown["singleValueExtendedProperties"] == [{"id": MARK, "value": "k1"}]
        wrong = await desk.ask("POST", base, {"emailAddresses": [{}] * 4})
        assert wrong.status == 400

    rehearse(act)
