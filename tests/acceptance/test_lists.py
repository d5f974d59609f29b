"""Lists as people have them, from the file to what is sent, with the exit code and the words."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkmail.sim import Settings
from bulkmail.testing.tenant import Done, Tenant, open_tenant, write_job

PATIENCE = 300
REPORT = 'name = "settings.report"'
LETTER = 'name = "mail.send"\ncampaign = "{}"\nsubject = "Hello {{DisplayName}}"\nbody = "x"'
REPLY = 'name = "settings.apply"\ninternal_reply = "ask {Deputy}"'


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    with open_tenant(tmp_path_factory.mktemp("tenant"), Settings(mailboxes=4, absent=0, denied=0, moving=0)) as found:
        yield found


def run(tenant: Tenant, folder: Path, name: str, content: bytes, task: str, *flags: str, more: str = "") -> Done:
    (folder / name).write_bytes(content)
    job = write_job(folder, tenant.simulator, tenant.app, f'[input]\npath = "{name}"\n{more}\n[task]\n{task}')
    done = subprocess.run(
        [sys.executable, "-m", "bulkmail", "run", job.name, *flags],
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr, folder / "out")


def test_a_name_that_could_not_be_read_is_sent_to_no_one(tenant: Tenant, tmp_path: Path) -> None:
    first, second = tenant.addresses(2)
    content = f"UserPrincipalName;DisplayName\r\n{first};Jürgen Müller\r\n{second};Anna\r\n"
    done = run(tenant, tmp_path, "merge.csv", content.encode("cp1252"), LETTER.format("one"), "--apply")
    assert done.code == 3
    assert done.statuses() == {first: "failed", second: "ok"}
    assert [row["subject"] for row in done.rows] == ["Hello Anna"]
    told = (done.folder / "failed.csv").read_text(encoding="utf-8")
    assert "row 2: the column 'DisplayName' holds a character that could not be read" in told
    assert "CSV UTF-8" in told
    said = tmp_path / "said"
    said.mkdir()
    done = run(
        tenant, said, "merge.csv", content.encode("cp1252"), LETTER.format("two"), "--apply", "--set",
        "input.encoding=cp1252",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert sorted(row["subject"] for row in done.rows) == ["Hello Anna", "Hello Jürgen Müller"]


def test_a_reply_that_could_not_be_read_is_written_nowhere(tenant: Tenant, tmp_path: Path) -> None:
    [first] = tenant.addresses(1)
    content = f"UserPrincipalName;Deputy\r\n{first};Jürgen Müller\r\n".encode("cp1252")
    done = run(tenant, tmp_path, "deputy.csv", content, REPLY, "--apply")
    assert done.code == 3
    assert done.statuses() == {first: "failed"}
    assert done.lines("changes.ndjson") == []


@pytest.mark.parametrize("flags", [(), ("--drift",), ("--apply",)])
def test_nothing_to_do_is_an_error(tenant: Tenant, tmp_path: Path, flags: tuple[str, ...]) -> None:
    task = 'name = "settings.apply"\nlanguage = "en-GB"'
    done = run(tenant, tmp_path, "list.csv", b"UserPrincipalName,DisplayName\r\n", task, *flags)
    assert done.code == 2
    assert "list.csv: there is no row in it" in done.err
    assert "output.empty_is_ok = true" in done.err
    assert not done.folder.exists()
    done = run(tenant, tmp_path, "list.csv", b"UserPrincipalName\r\n", task, *flags, "--set", "output.empty_is_ok=true")
    assert done.code == 0
    assert done.manifest["counts"]["unique"] == 0


def test_nothing_from_the_directory_is_an_error(tenant: Tenant, tmp_path: Path) -> None:
    job = write_job(
        tmp_path,
        tenant.simulator,
        tenant.app,
        "[input]\nusers = \"startsWith(displayName,'nobody')\"\n[task]\n" + REPORT,
    )
    done = subprocess.run(
        [sys.executable, "-m", "bulkmail", "run", job.name], cwd=tmp_path, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "there is no row in it" in done.stderr


def test_many_rejected_rows_are_warned_of(tenant: Tenant, tmp_path: Path) -> None:
    [first] = tenant.addresses(1)
    content = f"mail,upn,id\n{first},,\n,nobody,\n,n/a,4711\n".encode()
    done = run(tenant, tmp_path, "list.csv", content, REPORT)
    assert done.code == 0
    warning = "2 of 3 rows of the input name no mailbox: see rejected.csv"
    assert f"warning: {warning}" in done.err
    assert warning in done.out
    assert done.manifest["warnings"] == [warning]
    rejected = (done.folder / "rejected.csv").read_text(encoding="utf-8")
    assert "looked at upn, mail (blank), id ('4711')" in rejected
    done = run(tenant, tmp_path, "list.csv", content, REPORT, "--set", "limits.max_rejected=0.7")
    assert "warning" not in done.out + done.err


def test_a_european_excel(tenant: Tenant, tmp_path: Path) -> None:
    [first] = tenant.addresses(1)
    content = f"mail;x\n{first};\nnobody;\nn{first};\n".encode()
    done = run(tenant, tmp_path, "list.csv", content, REPORT, "--set", "output.excel=true", "--set",
               "output.absent_is_failure=true")  # fmt: skip
    for name, heading in (("records.csv", "mailbox;auto_reply_status;"), ("rejected.csv", "row;reason;why;value\r\n")):
        text = (done.folder / name).read_bytes().decode()
        assert text.startswith("\ufeff" + heading)
        assert text.count("\n") == text.count("\r\n")
    assert done.manifest["output"]["delimiter"] == ";"
    assert json.loads((done.folder / "records.ndjson").read_text(encoding="utf-8"))["mailbox"] == first


def test_a_plan_finds_time_zones_that_do_not_exist(tenant: Tenant, tmp_path: Path) -> None:
    first, second, third = tenant.addresses(3)
    content = f"UserPrincipalName,TimeZone\n{first},CET\n{second},W. Europe Daylight Time\n{third},Europe/Berlin\n"
    task = 'name = "settings.apply"\ntime_zone = "{TimeZone}"'
    done = run(tenant, tmp_path, "zones.csv", content.encode(), task)
    assert done.code == 3
    assert done.statuses() == {first: "failed", second: "failed", third: "ok"}
    told = (done.folder / "failed.csv").read_text(encoding="utf-8")
    assert "row 2: time_zone: 'CET' is not a time zone; did you mean Central European Standard Time?" in told
    assert (
        "row 3: time_zone: 'W. Europe Daylight Time' is not a time zone; did you mean W. Europe Standard Time?" in told
    )
    assert "2 times InputError:" in done.out
    assert set(done.manifest["advice"]) == {"InputError"}


@pytest.mark.parametrize(
    ("people", "code", "said"),
    [
        ('#TYPE Selected.Object\r\n"id","DisplayName"\r\n"1","Anna"\r\n', 0, ""),
        ('"sep=;"\r\nid;DisplayName\r\n1;Anna\r\n', 0, ""),
        ("id,DisplayName\r\n1,Anna,,\r\n", 0, ""),
        ('id,Phone\r\n1,"+1; +2; +3"\r\n', 2, "people.csv: row 2 has 3 phones in a field"),
        (
            "id;Mobile\r\n1;4,91701E+11\r\n",
            0,
            "people.csv: a phone number looks as a spreadsheet leaves them, such as 4,91",
        ),
    ],
)
def test_lists_of_contacts(tenant: Tenant, tmp_path: Path, people: str, code: int, said: str) -> None:
    (tmp_path / "people.csv").write_bytes(people.encode())
    task = 'name = "contacts.sync"\ncontacts = "people.csv"\nfolder = "F"'
    done = run(tenant, tmp_path, "list.csv", f"mail\n{tenant.addresses(1)[0]}\n".encode(), task)
    assert done.code == code, done.err
    assert said in done.err
    if not code:
        assert {row["key"] for row in done.rows} == {"1"}


def test_lists_as_other_programs_write_them(tenant: Tenant, tmp_path: Path) -> None:
    first, second = tenant.addresses(2)
    contents = {
        "answer.json": json.dumps({"@odata.context": "x", "value": [{"mail": first}, {"mail": second}]}, indent=4),
        "outlook.txt": f"Narrows, Sedge <{first}>; {second} <{second}>;\r\n",
        "report.csv": f"Id,UserPrincipalName,Date,Date\r\n,{first},,\r\n,{second},,\r\n",
        "blank.csv": f"UserPrincipalName,PrimarySmtpAddress\r\n,{first}\r\nn/a,{second}\r\n",
    }
    for name, content in contents.items():
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        done = run(tenant, folder, name, content.encode(), REPORT)
        assert done.code == 0, done.err
        assert done.statuses() == {first: "ok", second: "ok"}


def test_a_room_with_a_number_sign_is_asked_for(tenant: Tenant, tmp_path: Path) -> None:
    done = run(tenant, tmp_path, "list.csv", b"UserPrincipalName;Name\r\n#frontroom@tenant.example;Room\r\n", REPORT)
    assert done.code == 2, "of this list no mailbox exists"
    assert done.statuses() == {"#frontroom@tenant.example": "absent"}
    assert "no such user (mistyped, or deleted)" in done.out
