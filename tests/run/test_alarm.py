"""When a run should not go on."""

from collections import Counter
from collections.abc import Iterable

import pytest

from bulkmail.errors import InputError, PermissionMissing
from bulkmail.model import Ending, Mailbox, Outcome, Problem, Status
from bulkmail.run.alarm import REFUSALS, SAMPLE, Alarm, AlarmSettings
from bulkmail.run.stop import CANARY, STOPPED

OK, ABSENT, DENIED, FAILED = Status.OK, Status.ABSENT, Status.DENIED, Status.FAILED


def outcome(status: Status, code: str = "Some") -> Outcome:
    return Outcome(Mailbox("a@contoso.com", 2), status, problem=None if status is OK else Problem(code, "why"))


def hear(alarm: Alarm, statuses: Iterable[Status]) -> list[bool]:
    """After which of the statuses the alarm asks to stop."""
    return [alarm.hear(outcome(status)) is not None for status in statuses]


def heard(settings: AlarmSettings, *statuses: Status) -> list[bool]:
    return hear(Alarm(settings), statuses)


def test_a_count_of_failures() -> None:
    settings = AlarmSettings(max_failures=2)
    assert heard(settings, FAILED, OK, ABSENT, FAILED, FAILED) == [False, False, False, True, True]


def test_a_share_means_nothing_before_there_is_a_sample() -> None:
    most = AlarmSettings(max_failures=0.1)
    assert True not in heard(most, *[FAILED] * (SAMPLE - 1))
    assert heard(most, *[FAILED] * SAMPLE)[-1]
    assert not heard(most, *[OK] * 180, *[FAILED] * 20)[-1]
    assert heard(most, *[OK] * 180, *[FAILED] * 21)[-1]


def test_no_limit() -> None:
    assert True not in heard(AlarmSettings(max_failures=0), *[FAILED] * 500)


@pytest.mark.parametrize(("limit", "shown"), [(0.2, "20%"), (0.005, "0.5%"), (30, "30")])
def test_the_reason_tells_the_figures(limit: float, shown: str) -> None:
    alarm = Alarm(AlarmSettings(max_failures=limit))
    hear(alarm, [DENIED, *[OK] * 140])
    reason = next(filter(None, (alarm.hear(outcome(FAILED)) for _ in range(100))))
    assert reason.code == STOPPED
    assert "1 denied, " in reason.text
    assert " failed: " in reason.text
    assert reason.text.endswith(f"limits.max_failures is {shown}")


def test_nobody_lets_the_application_in() -> None:
    alarm = Alarm(AlarmSettings(stop_if_denied=3, permission="Some.Permission"))
    hear(alarm, (DENIED, ABSENT, DENIED))
    with pytest.raises(PermissionMissing, match="3 denied access, and 1 do not exist") as caught:
        alarm.hear(outcome(DENIED))
    assert "Some.Permission" in caught.value.hint


@pytest.mark.parametrize("other", [OK, FAILED, Status.UNKNOWN])
def test_one_that_was_not_denied_is_enough(other: Status) -> None:
    alarm = Alarm(AlarmSettings(stop_if_denied=3))
    hear(alarm, (DENIED, other, *[DENIED] * 50))
    alarm.require_admission()


@pytest.mark.parametrize(("stop_if_denied", "statuses", "missing"), [
    (25, [DENIED], True),
    (25, [DENIED, ABSENT], True),
    (25, [ABSENT, ABSENT], False),
    (25, [], False),
    (0, [DENIED] * 100, False),
])  # fmt: skip
def test_the_end_of_a_short_run(stop_if_denied: int, statuses: list[Status], missing: bool) -> None:
    alarm = Alarm(AlarmSettings(stop_if_denied=stop_if_denied))
    hear(alarm, statuses)
    if missing:
        with pytest.raises(PermissionMissing):
            alarm.require_admission()
    else:
        alarm.require_admission()


def test_a_list_of_another_tenant() -> None:
    alarm = Alarm(AlarmSettings(stop_if_absent=3, tenant="contoso.com"))
    hear(alarm, (ABSENT, ABSENT))
    with pytest.raises(InputError, match=r"none of the first 3 mailboxes of the list exists in contoso\.com"):
        alarm.hear(outcome(ABSENT))


@pytest.mark.parametrize(
    ("most", "statuses", "strange"),
    [(25, [ABSENT], True), (25, [ABSENT, OK], False), (25, [], False), (0, [ABSENT], False)],
)
def test_the_end_of_a_run_in_which_nothing_was_there(most: int, statuses: list[Status], strange: bool) -> None:
    alarm = Alarm(AlarmSettings(stop_if_absent=most))
    hear(alarm, statuses)
    if strange:
        with pytest.raises(InputError, match="does not exist"):
            alarm.require_presence()
    else:
        alarm.require_presence()


def test_one_that_is_there_is_enough() -> None:
    assert True not in heard(AlarmSettings(stop_if_absent=3), ABSENT, ABSENT, OK, *[ABSENT] * 50)


def test_writes_that_are_all_refused_with_one_code() -> None:
    changes = Counter({Ending.REFUSED: REFUSALS})
    alarm = Alarm(AlarmSettings(), changes)
    assert True not in hear(alarm, [FAILED] * (REFUSALS - 1))
    reason = alarm.hear(outcome(FAILED))
    assert reason is not None
    assert (reason.code, "all refused with Some" in reason.text) == (STOPPED, True)


@pytest.mark.parametrize("made", [Ending.DONE, Ending.UNKNOWN])
def test_one_write_that_was_made_is_enough(made: Ending) -> None:
    alarm = Alarm(AlarmSettings(), Counter({Ending.REFUSED: 99, made: 1}))
    assert True not in hear(alarm, [FAILED] * 99)


def test_and_so_is_another_code() -> None:
    alarm = Alarm(AlarmSettings(), Counter({Ending.REFUSED: 99}))
    alarm.hear(outcome(FAILED, "Another"))
    assert True not in hear(alarm, [FAILED] * 99)


def test_a_canary() -> None:
    alarm = Alarm(AlarmSettings(canary=3))
    assert [alarm.hear(outcome(one)) for one in (OK, ABSENT, FAILED)] == [None, None, CANARY]
