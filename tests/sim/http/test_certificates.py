"""Listeners with a certificate that is not valid: a client that checks it sends them nothing."""

import asyncio
import os
import ssl
from pathlib import Path
from typing import get_args

import aiohttp
import pytest

from bulkmail.sim import Settings, Simulator
from bulkmail.sim.http.tls import authority, kept_authority
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


def test_a_kept_authority_lasts_and_one_that_is_not_a_pair_is_replaced(tmp_path: Path) -> None:
    """A run outlives a restart of the simulator."""
    folder = tmp_path / "rehearsal"
    first = kept_authority(folder)
    assert kept_authority(folder).certificate == first.certificate
    assert (folder / "ca.key").stat().st_mode & 0o077 == 0 or os.name != "posix"
    (folder / "ca.pem").write_bytes(authority().certificate_pem())
    second = kept_authority(folder)
    assert second.certificate != first.certificate
    (folder / "ca.key").write_bytes(b"not a key")
    assert kept_authority(folder).certificate != second.certificate
