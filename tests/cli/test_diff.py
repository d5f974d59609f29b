"""`bulkmail diff` shows in what two runs differ, in four forms, and exits with what it found."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bulkmail.cli import app
from bulkmail.model import Status
from bulkmail.rundir.maskkey import made
from bulkmail.rundir.reader import RunDir
from tests.report.diff.test_compare import COLUMNS, RULES, mailbox, rule
from tests.report.page.test_page import Page
from tests.report.writing import write_run

NASTY = "=1+1\x1b[31m<script>\u202e"


def bulkmail(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["diff", *map(str, arguments)])


@pytest.fixture
def pair(tmp_path: Path) -> tuple[RunDir, RunDir]:
    before = [mailbox("ada", 2, rule("r", to="alan")), mailbox("grace", 3, rule("s", to="x")), mailbox("alan", 4)]
    after = [mailbox("ada", 2, rule("r", to=NASTY)), mailbox("grace", 3), mailbox("alan", 4, status=Status.DENIED)]
    earlier = replace(RULES, started="2026-11-25T01:15:00+00:00")
    return (write_run(tmp_path / "a", earlier, before, columns=COLUMNS),
            write_run(tmp_path / "b", RULES, after, columns=COLUMNS))  # fmt: skip


def test_as_a_table(pair: tuple[RunDir, RunDir]) -> None:
    result = bulkmail(pair[0].path, pair[1].path)
    assert result.exit_code == 0
    text = result.stdout
    assert "1 row changed, 1 row removed; 1 mailbox ended in another way" in text
    assert "columns   to 1" in text
    assert "outcomes  1 ok → denied" in text
    assert "to: alan → =1+1" in text
    assert "removed   grace  s" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_only_the_first_are_shown(pair: tuple[RunDir, RunDir]) -> None:
    text = bulkmail(pair[0].path, pair[1].path, "--first", "1").stdout
    assert "… and 2 more" in text
    assert "more" not in bulkmail(pair[0].path, pair[1].path, "--first", "0").stdout


def test_as_csv_without_formulas(pair: tuple[RunDir, RunDir], tmp_path: Path) -> None:
    file = tmp_path / "diff.csv"
    assert bulkmail(pair[0].path, pair[1].path, "--format", "csv", "--output", file).exit_code == 0
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert [(row["what"], row["mailbox"], row["key"], row["column"]) for row in rows] == [
        ("outcome", "alan", "", "status"), ("changed", "ada", "r", "to"), ("removed", "grace", "s", "to"),
    ]  # fmt: skip
    assert rows[1]["after"].startswith("'=1+1\ufffd")
    assert file.stat().st_mode & 0o777 == 0o600


def test_as_ndjson(pair: tuple[RunDir, RunDir]) -> None:
    found = [
        json.loads(line) for line in bulkmail(pair[0].path, pair[1].path, "--format", "ndjson").stdout.splitlines()
    ]
    assert found[1] == {
        "what": "changed", "mailbox": "ada", "key": {"rule": "r"},
        "columns": {"to": {"before": "alan", "after": NASTY}},
    }  # fmt: skip
    assert found[0]["after"] == {"status": "denied", "code": ""}


def test_as_a_page(pair: tuple[RunDir, RunDir], tmp_path: Path) -> None:
    file = tmp_path / "diff.html"
    assert bulkmail(pair[0].path, pair[1].path, "--format", "html", "--output", file, "--exit-code").exit_code == 8
    page = Page(file)
    for told in ("1 row changed, 1 row removed; 1 mailbox ended in another way", "changed ada r to alan =1+1 [31m",
                 "outcome alan status ok denied", "removed grace s to x nothing", "ok denied 1"):  # fmt: skip
        assert told in page.text
    assert page.policy.startswith("default-src 'none'")
    assert bulkmail(pair[0].path, pair[0].path, "--format", "html", "--output", file).exit_code == 0
    assert "The same" in Page(file).text


@pytest.mark.parametrize("form", ["table", "csv", "ndjson", "html"])
def test_a_run_with_a_mask_is_compared_behind_it(form: str, tmp_path: Path) -> None:
    key = tmp_path / "job.mask.key"
    made(key)
    masked = replace(RULES, output=replace(RULES.output, mask=str(key)))
    before, after = ([mailbox(f"{name}@contoso.com", 2, rule("r", to=name, by=f"{name}@contoso.com"))
                      for name in names] for names in (["ada", "alan"], ["ada"]))  # fmt: skip
    after[0].rows[0]["to"] = "grace@contoso.com"
    folders = [write_run(tmp_path / letter, masked, found, columns=COLUMNS).path
               for letter, found in (("a", before), ("b", after))]  # fmt: skip
    for folder in folders:
        replace(RunDir(folder).manifest, output=masked.output).write(folder)
    text = bulkmail(*folders, "--format", form).stdout
    assert "contoso.com" not in text.replace("contoso.onmicrosoft.com", "")
    assert text.count("mailbox-") >= 2


def test_the_exit_code_tells_on_request(pair: tuple[RunDir, RunDir]) -> None:
    before, after = (run.path for run in pair)
    assert bulkmail(before, after, "--exit-code").exit_code == 8
    same = bulkmail(before, before, "--exit-code")
    assert same.exit_code == 0
    assert "no difference" in same.stdout


def test_against_the_run_before(pair: tuple[RunDir, RunDir]) -> None:
    assert bulkmail(pair[1].path, "--against", "previous").stdout == bulkmail(pair[0].path, pair[1].path).stdout
    assert bulkmail(pair[1].path, "--against", pair[0].path).stdout == bulkmail(pair[0].path, pair[1].path).stdout
    alone = bulkmail(pair[0].path, "--against", "previous")
    assert alone.exit_code == 2
    assert "no earlier run of the same job" in alone.stderr


def test_two_runs_have_to_be_named(pair: tuple[RunDir, RunDir]) -> None:
    assert bulkmail(pair[0].path).exit_code == 2
    assert bulkmail(pair[0].path, pair[1].path, "--against", "previous").exit_code == 2
    assert bulkmail(pair[0].path, pair[0].path.parent).exit_code == 2


def test_runs_that_may_not_be_alike_are_told_as_such(pair: tuple[RunDir, RunDir], tmp_path: Path) -> None:
    other = replace(
        pair[1].manifest, app=replace(RULES.app, tenant_id="fabrikam"), options={"only": "all"}, code="v2",
        input=replace(RULES.input, sha256="1"), state="stopped", key_columns=None, task=RULES.task,
    )  # fmt: skip
    other.write(pair[1].path)
    text = bulkmail(pair[0].path, pair[1].path, "--key", "rule").stdout
    for told in ("tenants differ", "lists differ", "other options: only", "another version", "after is not complete"):
        assert told in text.replace("\n          ", " ")
