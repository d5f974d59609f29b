"""What a run says is to be done next: by what a repetition does and by how mailboxes ended."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from bulkmail.app.again import without
from bulkmail.app.commands import OFFERED, SEND_AGAIN, next_steps, offered, quoted
from bulkmail.errors import UsageError
from bulkmail.model import Effect, Status
from bulkmail.rundir.manifest import JobFile, Manifest, Mode, PinnedApp, PinnedInput, PinnedOutput
from bulkmail.source.rows import Rows

APPLIED = Manifest(
    task="mail.send", code="v1", mode="apply", output=PinnedOutput(), job=JobFile(), options={}, input=PinnedInput(),
    app=PinnedApp(), limits={}, version="1", started="", state="finished", exit_code=3,
)  # fmt: skip
OUT = Path("out/it's here")
AGAIN = frozenset({Status.FAILED, Status.UNKNOWN})
MAY_BE_OFFERED = {effect: AGAIN if effect is not Effect.NONE else frozenset() for effect in Effect}
"""What a person may be told to do again, by effect class: written down here once more, so that nobody widens it."""


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("status", Status)
def test_what_may_be_run_again(effect: Effect, status: Status) -> None:
    """Three mailboxes ended so; with the class `none`, something was or may have been sent in each of them."""
    once = {str(status): 3} if effect is Effect.NONE else {}
    manifest = replace(APPLIED, statuses={str(status): 3}, sent_once=once)
    assert OFFERED[effect] - {Status.NOT_RUN} == MAY_BE_OFFERED[effect]
    commands = [step.command for step in next_steps(manifest, OUT) if step.command]
    if status in MAY_BE_OFFERED[effect]:
        assert commands == [f"bulkmail resume 'out/it'\"'\"'s here' --retry {status}"]
    elif status is not Status.NOT_RUN:
        assert commands == []
    assert SEND_AGAIN not in " ".join(commands)


def test_those_in_which_nothing_was_sent_are_offered_and_the_others_told() -> None:
    manifest = replace(APPLIED, statuses={"ok": 5, "failed": 4, "unknown": 3}, sent_once={"failed": 1, "unknown": 3})
    assert offered(manifest) == {Status.FAILED: 3}
    retry, told = next_steps(manifest, OUT)
    assert shlex.split(retry.command) == ["bulkmail", "resume", str(OUT), "--retry", "failed"]
    assert "in 4 mailboxes something was sent, or may have been" in told.why
    assert told.command == ""


@pytest.mark.parametrize("mode", ["plan", "drift"])
def test_after_a_plan_it_is_the_plan_that_is_applied(mode: Mode) -> None:
    manifest = replace(APPLIED, mode=mode, statuses={"ok": 3, "failed": 1}, changes={"planned": 2})
    (step,) = next_steps(manifest, OUT)
    assert shlex.split(step.command) == ["bulkmail", "apply", str(OUT)]


def test_mailboxes_in_which_something_was_sent_are_left_out_of_a_retry() -> None:
    chosen, told = Rows(), list[str]()
    for row in (2, 3, 9):
        chosen.add(row)
    left = without(chosen, {3, 5}, told.append)
    assert [row in left for row in (2, 3, 5, 9)] == [True, False, False, True]
    assert "in 1 of these 3 mailboxes" in told[0]
    with pytest.raises(UsageError, match="people would get it twice"):
        without(chosen, {2, 3, 9}, told.append)


def test_after_max_changes_the_limit_is_raised() -> None:
    stopped = replace(APPLIED, state="stopped", limits={"max_changes": 7}, changes={"done": 7})
    (step,) = next_steps(stopped, OUT)
    assert shlex.split(step.command)[2:] == [str(OUT), "--max-changes", "14"]
    assert "7 were made" in step.why
    (other,) = next_steps(replace(stopped, changes={"done": 3}), OUT)
    assert shlex.split(other.command) == ["bulkmail", "resume", str(OUT)]


def test_a_path_is_quoted_for_the_shell_that_reads_it() -> None:
    assert quoted("bulkmail", "apply", "a b", windows=True) == 'bulkmail apply "a b"'
    assert quoted("bulkmail", "apply", "C:\\out\\a", windows=True) == "bulkmail apply C:\\out\\a"
    assert quoted("bulkmail", "apply", "it's; $x", windows=False) == "bulkmail apply 'it'\"'\"'s; $x'"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("C:\\Users\\ada\\my jobs\\a.toml", '"C:\\Users\\ada\\my jobs\\a.toml"'),
        ("C:\\out dir\\", '"C:\\out dir\\\\"'),
        ("\\\\server\\share\\out", "\\\\server\\share\\out"),
        ("failed,unknown", '"failed,unknown"'),
        ("R&D", '"R&D"'),
        ("out (2)", '"out (2)"'),
        ("it's", '"it\'s"'),
        ("a;b", '"a;b"'),
        ("@old", '"@old"'),
        ("$home", "'$home'"),
        ("it's $x", "'it''s $x'"),
        ('say "x"', '"say \\"x\\""'),
        ("Büro", "Büro"),
        ("", '""'),
    ],
)
def test_what_the_shells_of_windows_would_act_on_is_quoted(word: str, expected: str) -> None:
    assert quoted(word, windows=True) == expected
