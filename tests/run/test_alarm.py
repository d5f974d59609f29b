"""When a run should not go on."""

import pytest

from bulkmail.errors import PermissionMissing
from bulkmail.model import Status
from bulkmail.run.alarm import Alarm, AlarmSettings
from bulkmail.run.stop import FAILURES

OK, ABSENT, DENIED, FAILED = Status.OK, Status.ABSENT, Status.DENIED, Status.FAILED


def heard(settings: AlarmSettings, *statuses: Status) -> list[bool]:
    """After which of the statuses the alarm asks to stop."""
    alarm = Alarm(settings, "Some.Permission")
    return [alarm.hear(status) is FAILURES for status in statuses]


def test_a_count_of_failures() -> None:
    settings = AlarmSettings(max_failures=2)
    assert heard(settings, FAILED, OK, ABSENT, FAILED, FAILED) == [False, False, False, True, True]


def test_a_share_means_nothing_before_there_is_a_sample() -> None:
    assert True not in heard(AlarmSettings(max_failures=0.1), *[FAILED] * 10)
    assert heard(AlarmSettings(max_failures=0.1), *[FAILED] * 11)[-1]
    assert not heard(AlarmSettings(max_failures=0.1), *[OK] * 200, *[FAILED] * 20)[-1]
    assert heard(AlarmSettings(max_failures=0.1), *[OK] * 200, *[FAILED] * 23)[-1]


def test_no_limit() -> None:
    assert True not in heard(AlarmSettings(max_failures=0), *[FAILED] * 500)


def test_nobody_lets_the_application_in() -> None:
    alarm = Alarm(AlarmSettings(stop_if_denied=3), "Some.Permission")
    for status in (DENIED, ABSENT, DENIED):
        alarm.hear(status)
    with pytest.raises(PermissionMissing, match=r"every mailbox so far was denied \(3\)") as caught:
        alarm.hear(DENIED)
    assert "Some.Permission" in caught.value.hint


@pytest.mark.parametrize("other", [OK, FAILED, Status.UNKNOWN])
def test_one_that_was_not_denied_is_enough(other: Status) -> None:
    alarm = Alarm(AlarmSettings(stop_if_denied=3), "p")
    for status in (DENIED, other, *[DENIED] * 50):
        alarm.hear(status)
    alarm.require_admission()


@pytest.mark.parametrize(("stop_if_denied", "statuses", "missing"), [
    (25, [DENIED], True),
    (25, [DENIED, ABSENT], True),
    (25, [ABSENT, ABSENT], False),
    (25, [], False),
    (0, [DENIED] * 100, False),
])  # fmt: skip
def test_the_end_of_a_short_run(stop_if_denied: int, statuses: list[Status], missing: bool) -> None:
    alarm = Alarm(AlarmSettings(stop_if_denied=stop_if_denied), "p")
    for status in statuses:
        alarm.hear(status)
    if missing:
        with pytest.raises(PermissionMissing):
            alarm.require_admission()
    else:
        alarm.require_admission()
