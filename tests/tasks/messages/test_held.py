"""Messages that wait until all are found come back as they were, wherever they were held."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bulkmail.graph import Graph
from bulkmail.model import Response
from bulkmail.tasks.kit.collection import CHUNK
from bulkmail.tasks.messages.held import held
from bulkmail.tasks.messages.walk import Message
from bulkmail.testing import Scripted, run
from tests.tasks.messages.mail import ADA, BASE, message

NOWHERE = Graph.of(ADA, Scripted(lambda _request: Response(200)), BASE)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 3 * CHUNK + 1), st.text(max_size=30), st.sampled_from([1, 1 << 22]))
def test_they_come_back_in_their_order(count: int, subject: str, in_memory: int) -> None:
    async def main() -> None:
        given_in = [Message.of(message(str(number), subject=subject)) for number in range(count)]
        with held(NOWHERE, in_memory) as waiting:
            for one in given_in:
                await waiting.add(one)
            assert len(waiting) == count
            packs = [pack async for pack in waiting.packs()]
        assert [one for pack in packs for one in pack] == given_in
        assert all(len(pack) <= CHUNK for pack in packs)

    run(main())
