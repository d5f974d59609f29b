"""The runs of `bulkmail run` that the acceptance tests look at, each with the exit code that it must end with."""

import signal
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from bulkmail.sim import Settings, Simulator
from bulkmail.sim.tenant.people import State
from tests.acceptance.tenant import BARE, Desk, Done

TENANT = Settings(mailboxes=300, seed=7, latency=0.01, absent=0.05, denied=0.03, moving=0.0)
SLOWLY = '[limits]\nrequests_per_second = 20\nmailboxes_in_flight = 20\n[input]\npath = "mailboxes.csv"'
LIST = '[input]\npath = "mailboxes.csv"'
STRANGE_ROWS = ["", "no address", "two@at@example.com"]
STATUS = {State.PRESENT: "ok", State.DENIED: "denied"}


def status_of(simulator: Simulator, address: str) -> str:
    state = simulator.tenant.state(simulator.tenant.find(address))
    return "absent" if state.absent else STATUS[state]


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def whole(desk: Desk, sim: Simulator) -> Done:
    """All mailboxes, one of them twice, and rows that are not a mailbox."""
    everybody = list(sim.addresses())
    desk.write_list([*everybody, everybody[0].upper(), *STRANGE_ROWS])
    desk.write_job(sim, LIST)
    return desk.run("--json", anew=True)


def clean(desk: Desk, sim: Simulator) -> Done:
    """Those who have a mailbox, and those who have none."""
    desk.write_list([address for address in sim.addresses() if status_of(sim, address) != "denied"][:30])
    desk.write_job(sim, LIST)
    return desk.run()


def seed_columns(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses(20)))
    desk.write_job(sim, LIST)
    return desk.run("--set", "task.columns=seed", "--limit", "7")


def batched(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses()))
    desk.write_job(sim, LIST + "\n[limits]\nbatch = true")
    return desk.run("--log-json")


def piped(desk: Desk, sim: Simulator) -> Done:
    desk.write_job(sim, '[input]\ngroup = "set aside by the flag"')
    return desk.run("--input", "-", text="".join(f"{address}\n" for address in sim.addresses(5)))


def of_users(desk: Desk, sim: Simulator) -> Done:
    desk.write_job(sim, '[input]\nusers = ""')
    return desk.run("--no-progress")


def of_group(desk: Desk, sim: Simulator) -> Done:
    desk.write_job(sim, f'[input]\ngroup = "{sim.world.groups.ids[2]}"')
    return desk.run()


def misspelt(desk: Desk, sim: Simulator) -> Done:
    desk.write_job(sim, '[limits]\nbach = true\n[input]\npath = "mailboxes.csv"')
    return desk.run()


def no_list(desk: Desk, sim: Simulator) -> Done:
    """A quote in the last row that is never closed."""
    desk.write_list([*list(sim.addresses(50)), '"left open', "next@example.com"])
    desk.write_job(sim, LIST)
    return desk.run()


def unpermitted(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses()))
    desk.write_job(sim, LIST, client=BARE)
    return desk.run()


def time_boxed(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses()))
    desk.write_job(sim, SLOWLY)
    return desk.run("--max-duration", "500ms")


def held(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses(3)))
    desk.write_job(sim, LIST)
    (desk.folder / "out").mkdir()
    with FileLock(desk.folder / "out" / ".lock"):
        return desk.run()


def disk_full(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses()))
    desk.write_job(sim, LIST)
    return desk.run(largest=20_000)


def interrupted(desk: Desk, sim: Simulator) -> Done:
    desk.write_list(list(sim.addresses()))
    desk.write_job(sim, SLOWLY)
    started = desk.start(anew=True)
    started.until(lambda: size(desk.folder / "out" / "outcomes.ndjson") > 0)
    started.send(signal.SIGINT)
    return started.finish(desk.folder / "out")


def terminated(desk: Desk, sim: Simulator) -> Done:
    """Waiting for a list that does not come."""
    desk.write_job(sim, '[input]\npath = "-"')
    started = desk.start(feed=True, anew=True)
    started.until((desk.folder / "out" / "outcomes.ndjson").exists)
    started.send(signal.SIGTERM)
    started.wait()  # the pipe is still open
    return started.finish(desk.folder / "out")


def again(desk: Desk, sim: Simulator) -> Done:
    """What failed in a first run, run again beside it."""
    desk.write_list(list(sim.addresses()))
    desk.write_job(sim, LIST + "\n[limits]\nstop_if_denied = 0")
    first = desk.run()
    return desk.run("--input", str(first.folder / "failed.csv"), folder="out-2")


CASES: dict[Callable[[Desk, Simulator], Done], int] = {  # and the exit code of each
    whole: 3,
    clean: 0,
    seed_columns: 0,
    batched: 3,
    piped: 0,
    of_users: 3,
    of_group: 3,
    misspelt: 2,
    no_list: 2,
    unpermitted: 4,
    time_boxed: 5,
    held: 6,
    disk_full: 7,
    interrupted: 130,
    terminated: 143,
    again: 3,
}
