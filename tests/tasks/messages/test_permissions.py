"""The least permission of each task is enough, and the next one below it is refused."""

from pathlib import Path
from typing import Any

import pytest

from bulkmail.errors import GraphError
from bulkmail.sim.families.folders.content import INBOX
from tests.tasks.messages.mail import BOX, CALM, held, put
from tests.tasks.rig import Bench, on_bench

NEWS = {"subject_contains": "newsletter"}
HARD = {"mode": "hard", "confirm": "permanent"}


@pytest.mark.parametrize(
    ("task", "options", "least", "less"),
    [
        ("messages.find", {}, "Mail.Read", "Mail.ReadBasic.All"),
        ("messages.find", {"sizes": False}, "Mail.ReadBasic.All", "MailboxSettings.Read"),
        ("messages.find", {"count": True}, "Mail.ReadBasic.All", "MailboxSettings.Read"),
        ("messages.purge", {}, "Mail.ReadWrite", "Mail.Read"),
        ("messages.purge", HARD, "Mail.ReadWrite", "Mail.Read"),
        ("messages.move", {"to": "junkemail"}, "Mail.ReadWrite", "Mail.Read"),
        ("messages.categorise", {"add": "New"}, "Mail.ReadWrite", "Mail.Read"),
        ("messages.mark", {"flag": "flagged"}, "Mail.ReadWrite", "Mail.Read"),
    ],
)
def test_least(task: str, options: dict[str, Any], least: str, less: str, tmp_path: Path) -> None:
    async def enough(bench: Bench) -> None:
        put(bench, "Newsletter", INBOX)
        assert list(bench.task.needs(bench.options).names()) == [least]
        assert await bench.run(bench.mailbox(BOX))

    async def refused(bench: Bench) -> None:
        put(bench, "Newsletter", INBOX)
        before = held(bench)
        with pytest.raises(GraphError) as caught:
            await bench.run(bench.mailbox(BOX))
        assert caught.value.status == 403
        assert held(bench) == before

    given = {**NEWS, **options}
    on_bench(task, tmp_path, enough, given, roles=(least, "User.ReadBasic.All"), **CALM)
    on_bench(task, tmp_path, refused, given, roles=(less, "User.ReadBasic.All"), **CALM)
