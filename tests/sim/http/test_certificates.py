"""Listeners with a certificate that is not valid: a client that checks it sends them nothing."""

import asyncio
import ssl
from typing import get_args

import aiohttp
import pytest

from bulkmail.sim import Settings, Simulator
from bulkmail.sim.limits.settings import CertificateFlaw


@pytest.mark.parametrize("flaw", [flaw for flaw in get_args(CertificateFlaw) if flaw])
def test_a_flaw_ends_the_handshake(flaw: CertificateFlaw) -> None:
    async def main() -> None:
        async with Simulator(Settings(mailboxes=1, flaw=flaw)) as sim:
            context = ssl.create_default_context(cafile=str(sim.ca_file))
            connector = aiohttp.TCPConnector(ssl=context)
            async with aiohttp.ClientSession(connector=connector) as session:
                with pytest.raises(aiohttp.ClientConnectorCertificateError):
                    await session.get(f"{sim.graph_url}/v1.0/users")
            assert sim.books()["requests"] == 0

    asyncio.run(main())
