"""What the command line says is plain text on one line, and its end is an exit code."""

import io
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.cli import app
from bulkmail.cli import console as say
from bulkmail.errors import BulkmailError, ConfigError, OutputError, RunHeld, SignInError, UsageError


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("bulkmail")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("x"), 2), (ConfigError("x"), 2), (SignInError("x"), 4), (RunHeld("x"), 6), (OutputError("x"), 7),
     (BulkmailError("x"), 1), (KeyboardInterrupt(), 130)],
)  # fmt: skip
def test_an_expected_error_is_an_exit_code(error: BaseException, code: int) -> None:
    with pytest.raises(SystemExit) as caught, say.exit_on_error():
        raise error
    assert caught.value.code == code


def test_an_interrupt_outside_of_the_run_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), say.exit_on_error():
        raise KeyboardInterrupt
    assert "bulkmail resume" in capsys.readouterr().err


@pytest.mark.parametrize("defect", [ZeroDivisionError(), OSError(24, "Too many open files")])
def test_a_defect_is_not_hidden(defect: Exception) -> None:
    with pytest.raises(type(defect)), say.exit_on_error():
        raise defect


LONG = "x" * 300
"""A name that no file system takes: even to look for such a file is an error, also for the superuser."""


@pytest.mark.parametrize(
    "arguments",
    [("demo", "--directory", LONG), ("cert", "new", LONG, "--no-password", "--format", "pem"), ("cert", "show", LONG),
     ("setup", f"{LONG}/job.toml"), ("tasks", f"{LONG}.py:mine")],
)  # fmt: skip
def test_a_path_that_cannot_be_looked_at(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught, say.exit_on_error():
        app(arguments)
    assert caught.value.code == 1
    said = capsys.readouterr().err
    assert "bulkmail: cannot use " in said
    assert LONG in said.replace("\n", "")
    assert "File name too long" in said.replace("\n", " ")


def test_what_happened_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    say.complain(ConfigError("one [bold]\ntwo\x1b[2J", hint="do this\nand that"))
    assert capsys.readouterr().err.splitlines() == [
        "bulkmail: one [bold]", "bulkmail: two [2J", "  do this and that",
    ]  # fmt: skip


@given(text=st.text(max_size=60))
def test_no_control_character_reaches_the_terminal(text: str) -> None:
    stream, before = io.StringIO(), sys.stderr
    sys.stderr = stream
    try:
        say.complain(BulkmailError(text, hint=text))
        say.note(text)
    finally:
        sys.stderr = before
    shown = stream.getvalue().replace("\n", "")
    assert not any(ord(letter) < 32 or 0x7F <= ord(letter) <= 0x9F for letter in shown)


def log(*, as_json: bool, capsys: pytest.CaptureFixture[str]) -> list[str]:
    say.log_to_stderr(as_json=as_json)
    accident = ValueError("evil\n\x1b[31mforged line")
    logging.getLogger("bulkmail.run").error("one\ntwo\x1b", exc_info=accident)
    logging.getLogger("bulkmail.run").info("worth knowing")
    logging.getLogger("another.library").info("says an address")
    return capsys.readouterr().err.splitlines()


def test_a_log_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    lines = log(as_json=False, capsys=capsys)
    assert lines[0].endswith(" error: one two")
    assert lines[-1].endswith(" info: worth knowing")
    assert all(line.startswith("  ") for line in lines[1:-1])
    assert "\x1b" not in "".join(lines)


def test_a_log_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    error, info = map(json.loads, log(as_json=True, capsys=capsys))
    assert (error["level"], error["message"]) == ("error", "one\ntwo\x1b")
    assert "ValueError" in error["error"]
    assert (info["logger"], info["message"]) == ("bulkmail.run", "worth knowing")


def test_a_log_for_machines_is_json_from_its_first_byte(capsys: pytest.CaptureFixture[str]) -> None:
    """Notes and errors as well: otherwise nothing that reads JSON could read the log."""
    say.log_to_stderr(as_json=True)
    say.note("the certificate expires\nin 9 days")
    say.complain(ConfigError("wrong", hint="put it right"))
    logging.getLogger("bulkmail.run").info("text", extra={"fields": {"event": "end", "exit_code": 3}})
    note, error, end = map(json.loads, capsys.readouterr().err.splitlines())
    assert (note["event"], note["message"]) == ("note", "the certificate expires\nin 9 days")
    assert (error["event"], error["exit_code"], error["hint"]) == ("error", 2, "put it right")
    assert (end["event"], end["exit_code"], end["message"]) == ("end", 3, "text")


def test_a_line_of_a_log_has_a_date(capsys: pytest.CaptureFixture[str]) -> None:
    """One log is appended to night after night."""
    line = log(as_json=False, capsys=capsys)[0]
    printed = datetime.strptime(line[:19], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - as it is printed
    assert abs(datetime.now() - printed) < timedelta(days=1)  # noqa: DTZ005


def test_what_comes_for_a_closed_connection_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    try:
        say.log_to_stderr(as_json=False)
        for text in ("unable to perform operation; the handler is closed", "something else"):
            logging.getLogger("asyncio").error("Fatal error on SSL protocol", exc_info=RuntimeError(text))
    finally:
        logging.getLogger().handlers[:] = before
    printed = capsys.readouterr().err
    assert "something else" in printed
    assert "the handler is closed" not in printed


@pytest.mark.parametrize("terminal", [True, False])
def test_a_sentence_is_broken_between_words_on_a_terminal_and_is_one_line_in_a_file(terminal: bool) -> None:
    told = io.StringIO()
    text = "settings.report as 6a1f0f5e-0000-4000-8000-000000000001 in contoso.onmicrosoft.com"
    say.Screen(file=told, force_terminal=terminal, width=60, color_system=None, highlight=False).tell(text)
    lines = told.getvalue().splitlines()
    assert " ".join(line.strip() for line in lines) == text
    assert len(lines) == (2 if terminal else 1)
    assert "6a1f0f5e-0000-4000-8000-000000000001" in lines[0]
