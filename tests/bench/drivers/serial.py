"""The loop of the old PowerShell report, in Python: one mailbox after the other, no retry, rows in a list."""

import csv
import http.client
import json
import sys
import time
from urllib.parse import urlsplit

given = json.loads(sys.argv[1])
started = time.perf_counter()
rows = []
connection = http.client.HTTPConnection(urlsplit(given["graph"]).netloc)
for line in open(given["csv"], encoding="utf-8").read().splitlines()[1:]:  # noqa: SIM115, PTH123
    connection.request("GET", f"/v1.0/users/{line}/mailboxSettings", headers={"Authorization": "Bearer x"})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    if answer.status == 200:
        rows.append(
            [line, body["language"]["displayName"], body["timeZone"], body["automaticRepliesSetting"]["status"]]
        )
with open(given["out"], "w", newline="", encoding="utf-8") as file:  # noqa: PTH123
    csv.writer(file).writerows(rows)
print(json.dumps({"ok": len(rows), "seconds": time.perf_counter() - started}))
