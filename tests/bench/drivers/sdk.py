"""Microsoft's own client, `msgraph-sdk`, with a semaphore: as its documentation shows it, and its own retries. With
`batch` twenty at a time in its `$batch`, whose parts its retries do not look at."""

import asyncio
import csv
import json
import sys
import time
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Self

from azure.core.credentials import AccessToken
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory
from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem

given = json.loads(sys.argv[1])


class Granted:
    """A credential that has its token already."""

    async def get_token(self, *_scopes: str, **_kwargs: Any) -> AccessToken:
        return AccessToken("x", int(datetime.now(UTC).timestamp()) + 3600)

    async def close(self) -> None:
        return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        return


async def main() -> None:
    started = time.perf_counter()
    with open(given["csv"], encoding="utf-8") as file:  # noqa: ASYNC230, PTH123
        mailboxes = iter(file.read().splitlines()[1:])
    provider = AzureIdentityAuthenticationProvider(Granted(), allowed_hosts=["127.0.0.1"])
    adapter = GraphRequestAdapter(provider, client=GraphClientFactory.create_with_default_middleware())
    adapter.base_url = f"{given['graph']}/v1.0"
    graph = GraphServiceClient(request_adapter=adapter)
    rows: list[list[str]] = []

    async def one_by_one() -> None:
        for mailbox in mailboxes:
            try:
                settings = await graph.users.by_user_id(mailbox).mailbox_settings.get()
            except Exception:  # noqa: BLE001 - what is lost is what is measured
                continue
            if settings is not None:
                rows.append([mailbox, settings.time_zone or ""])

    async def by_the_batch() -> None:
        while some := list(islice(mailboxes, 20)):
            content = BatchRequestContent()
            for mailbox in some:
                asked = graph.users.by_user_id(mailbox).mailbox_settings.to_get_request_information()
                content.add_request(mailbox, BatchRequestItem(asked, id=mailbox))
            try:
                answer = await BatchRequestBuilder(adapter).post(content)
            except Exception:  # noqa: BLE001 - the same
                continue
            rows.extend([key, ""] for key, status in answer.get_response_status_codes().items() if status == 200)

    batch = given.get("batch", False)
    async with asyncio.TaskGroup() as group:
        for _ in range(given.get("in_flight", 64)):
            group.create_task(by_the_batch() if batch else one_by_one())
    with open(given["out"], "w", newline="", encoding="utf-8") as file:  # noqa: ASYNC230, PTH123
        csv.writer(file).writerows(rows)
    print(json.dumps({"ok": len(rows), "seconds": time.perf_counter() - started}))


asyncio.run(main())
