"""Plants folders in a mailbox of the simulator: wide, deep, and with names that are easily mistaken. Knows no task.

`python -m tests.tasks.folders.forest 5000` reports a mailbox with so many, both ways, and prints what it cost.
"""

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bulkmail.sim import Settings
from bulkmail.sim.families.folders.content import INBOX, ROOT
from bulkmail.sim.families.folders.kind import FOLDER
from bulkmail.sim.tenant.store import Store
from bulkmail.testing.tenant import Tenant, open_tenant

CALM = Settings(mailboxes=3, seed=11, absent=0.0, denied=0.0, moving=0.0, tls=False)
NAMES = (
    "Projects", 'He said "now"', "It's", "a/b", "a\\/b", "a\\b", "a", "b", "📁 emoji 👩‍💻", "転送", "=SUM(A1)",
    "tab\there", "line\nend", "\u202eright", "\\u0009", "…", ".", "..", " blanks ", "Posteingang", "%2F", "{}", "#?&",
)  # fmt: skip
DEPTH = 12


@dataclass(frozen=True, slots=True)
class Truth:
    """A folder as it was planted: its names from the top, and whether it can be seen from there."""

    id: str
    names: tuple[str, ...]
    hidden: bool


def plant(tenant: Tenant, number: int, size: int) -> None:
    """Makes a mailbox hold `size` folders below the root: three in ten of them side by side in the inbox, a chain of
    DEPTH, and the others anywhere; one in twenty of the wide ones is hidden, and some of these hold others."""
    store = FOLDER.of(tenant.simulator.world.mailboxes.write(number))
    chance, wide = random.Random(size), size * 3 // 10
    todo = size - sum(folder.parent != 0 for folder in store)
    depths, taken = {INBOX: 1}, {(folder.parent, folder.props["displayName"].lower()) for folder in store}
    for made in range(todo):
        last = max(depths, key=lambda one: depths[one])
        parent = INBOX if made < wide else last if depths[last] < DEPTH else chance.choice([*depths])
        name = chance.choice(NAMES)
        if (parent, name.lower()) in taken or depths[parent] == DEPTH:
            name, parent = f"{name}{made}", INBOX if depths[parent] == DEPTH else parent
        taken.add((parent, name.lower()))
        folder = store.add({"displayName": name, "isHidden": made < wide and made % 20 == 1}, parent)
        if made >= wide or made % 10 == 1:
            depths[folder.number] = depths[parent] + 1


def planted(tenant: Tenant, number: int) -> Iterator[Truth]:
    """All folders below the root, out of the store itself."""
    store: Store = FOLDER.of(tenant.simulator.world.mailboxes.read(number))
    for folder in store:
        names, hidden, above = list[str](), False, folder
        while above.number != ROOT and above.parent != 0:
            names.insert(0, above.props["displayName"])
            hidden |= above.props["isHidden"]
            above = store.items[above.parent]
        if names and above.number == ROOT:
            yield Truth(store.id_of(folder), tuple(names), hidden)


def parents(tenant: Tenant, number: int, *, hidden: bool = True) -> int:
    """How many folders hold others that are seen from the top, the root not counted."""
    shown = [one.names for one in planted(tenant, number) if hidden or not one.hidden]
    return len({names[:-1] for names in shown} - {()})


def asked(tenant: Tenant) -> int:
    """Requests that Graph has answered so far, those in batches as well."""
    routes = tenant.books()["routes"]
    return sum(sum(statuses.values()) for name, statuses in routes.items() if "$batch" not in name)


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as name, open_tenant(Path(name), CALM) as tenant:
        plant(tenant, 0, size)
        truth = {one.id for one in planted(tenant, 0)}
        for walk in ("delta", "children"):
            before, start = asked(tenant), time.monotonic()
            options: dict[str, str | int | bool | list[str]] = {"hidden": True, "walk": walk}
            done = tenant.run("folders.report", Path(name) / walk, addresses=tenant.addresses(1), options=options)
            told = {row["folder_id"] for row in done.rows if row["kind"] != "total"}
            seconds, requests = time.monotonic() - start, asked(tenant) - before
            depth = max(len(one.names) for one in planted(tenant, 0))
            print(f"{walk}: {len(told):,} folders of {len(truth):,}, equal: {told == truth}, depth {depth}, "
                  f"{requests:,} requests, {seconds:.1f} s; {parents(tenant, 0):,} folders hold others")  # fmt: skip


if __name__ == "__main__":
    main()
