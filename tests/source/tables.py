"""What the tests of tables share: an input that is read as it stands, and what was told of each row."""

import asyncio
import io
from collections.abc import Sequence
from itertools import chain

import pytest

from bulkmail.errors import InputError
from bulkmail.model import Mailbox, Rejected
from bulkmail.source import FileSource, Kind

GUID = "0f2e9c1a-7b64-4c58-9d3e-5a1b2c3d4e5f"
Verdicts = list[Mailbox | Rejected]


def read(content: bytes, *, kind: Kind | None = None, column: str = "", keep_columns: bool = False) -> Verdicts:
    source = FileSource(io.BytesIO(content), kind=kind, column=column, keep_columns=keep_columns)

    async def main() -> Verdicts:
        return list(chain.from_iterable([chunk async for chunk in source]))

    verdicts = asyncio.run(main())
    assert source.counts.rows == len(verdicts)
    return verdicts


def told(verdicts: Sequence[Mailbox | Rejected]) -> list[tuple[int, str]]:
    return [(each.row, each.address if isinstance(each, Mailbox) else each.reason) for each in verdicts]


def refusal(content: bytes, *, column: str = "", kind: Kind | None = None) -> InputError:
    with pytest.raises(InputError, match="standard input: ") as caught:
        read(content, column=column, kind=kind)
    return caught.value
