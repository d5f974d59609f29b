"""Rules that stay as they are, and the variety of those that are there."""

import pytest

from tests.sim.desk import Desk, rehearse


def test_read_only_rules_stay_as_they_are() -> None:
    async def act(desk: Desk) -> None:
        for number in range(200):
            path = f"{desk.user(number)}/mailFolders/inbox/messageRules"
            for rule in (await desk.get(path)).body["value"]:
                if rule["isReadOnly"]:
                    assert (await desk.ask("DELETE", f"{path}/{rule['id']}")).status == 403
                    return
        pytest.fail("the tenant has no read-only rule")

    rehearse(act)


def test_rules_forward_outside_in_every_way() -> None:
    async def act(desk: Desk) -> None:
        ways: set[str] = set()
        for number in range(200):
            for rule in (await desk.get(f"{desk.user(number)}/mailFolders/inbox/messageRules")).body["value"]:
                ways |= set(rule["actions"])
        assert ways >= {"forwardTo", "redirectTo", "forwardAsAttachmentTo", "moveToFolder", "delete"}

    rehearse(act)
