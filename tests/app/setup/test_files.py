"""The job file of a set-up: written once, edited without touching anything else, and what is there is never lost."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.app.setup import files
from bulkmail.app.setup.wish import Wish, free_name, least_roles, require_stem
from bulkmail.config import App, Input, load
from bulkmail.errors import ConfigError, UsageError

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


def wish(folder: Path, **changed: object) -> Wish:
    given: dict[str, object] = {
        "app": App(tenant_id="contoso.com"), "name": "n", "tasks": ("settings.report",), "job": folder / "job.toml",
        "roles": ("MailboxSettings.Read",), "keys": folder / "contoso", "input": Input(path=str(folder / "list.csv")),
    }  # fmt: skip
    return Wish(**(given | changed))  # type: ignore[arg-type]


def test_a_new_job_file_loads_and_names_files_relative_to_itself(tmp_path: Path) -> None:
    files.write_job(wish(tmp_path), "an-app")
    job = load(tmp_path / "job.toml", environment={})
    assert (job.app.tenant_id, job.app.client_id) == ("contoso.com", "an-app")
    assert job.app.certificate == tmp_path / "contoso.pfx"
    assert job.input.path == str(tmp_path / "list.csv")
    assert "cloud" not in (tmp_path / "job.toml").read_text()
    assert files.is_written(wish(tmp_path), "an-app")
    assert not files.is_written(wish(tmp_path), "another")


def test_a_ready_job_file_keeps_its_comments_and_everything_else(tmp_path: Path) -> None:
    ready = (Path(__file__).parents[3] / "configs" / "settings.report.toml").read_text()
    (tmp_path / "job.toml").write_text(ready)
    files.write_job(wish(tmp_path), "an-app")
    text = (tmp_path / "job.toml").read_text()
    changed = [line for line in text.split("\n") if line not in ready.split("\n")]
    assert [line.split(" = ")[0] for line in changed] == [
        "tenant_id", "client_id", "certificate", "certificate_password_file",
    ]  # fmt: skip
    assert len(text.split("\n")) == len(ready.split("\n"))


def test_a_file_of_windows_keeps_its_line_ends_and_any_file_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_bytes(b'[app]\r\nclient_id = "old"\r\n\r\n[task]\r\nname = "settings.report"\r\n')
    path.chmod(0o640)
    files.write_job(wish(tmp_path), "an-app")
    content = path.read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n") == 8
    assert path.stat().st_mode & 0o777 == 0o640
    assert load(path, environment={}).app.client_id == "an-app"


@given(PLAIN, PLAIN)
def test_any_text_survives_the_edit(first: str, second: str) -> None:
    text = '[input]\npath = "x"\n\n[app]\n# mine\nclient_id = "old"   # old\n\n[task]\nclient_id = "of the task"\n'
    changed = tomllib.loads(files.edited(text, {"client_id": first, "tenant_id": second}, Path("job.toml")))
    assert changed["app"] == {"client_id": first, "tenant_id": second}
    assert changed["task"] == {"client_id": "of the task"}


@pytest.mark.parametrize("text", ["", "[task]\n", 'app = {client_id = "x"}\n', '[app]\nclient_id = """\nx"""\n'])
def test_what_cannot_be_edited_is_left_as_it_is(text: str) -> None:
    with pytest.raises(ConfigError):
        files.edited(text, {"client_id": "new"}, Path("job.toml"))


def test_key_files_are_whole_or_are_made_anew(tmp_path: Path) -> None:
    one = wish(tmp_path, key_size=2048)
    assert files.certificate_of(one) is None
    one.file(".pass").write_text("of a set-up that was interrupted\n")
    made = files.make_keys(one)
    found = files.certificate_of(one)
    assert found is not None
    assert found.sha1 == made.sha1


@pytest.mark.parametrize(("name", "stem"), [("Nightly", "nightly"), ("A/B ../c", "a-b-..-c"), ("Ünter", "ünter")])
def test_names_that_files_can_have(name: str, stem: str) -> None:
    assert require_stem(name) == stem


def test_a_name_without_a_letter_is_none() -> None:
    with pytest.raises(UsageError):
        require_stem("../..")


@pytest.mark.parametrize(("keys", "next_one"), [("c", "c-2"), ("c-2", "c-3"), ("my-app", "my-app-2"), ("c-9", "c-10")])
def test_the_successor_has_the_next_number(keys: str, next_one: str) -> None:
    assert free_name(Path("x") / keys) == Path("x") / next_one


def test_the_least_roles_are_those_of_all_tasks_and_of_the_way_to_the_mailboxes() -> None:
    listed, users = Input(path="x.csv"), Input(users="")
    assert least_roles(["settings.report"], listed) == ("MailboxSettings.Read",)
    assert least_roles(["settings.report", "mail.send"], users) == (
        "Mail.ReadWrite", "Mail.Send", "MailboxSettings.Read", "User.ReadBasic.All",
    )  # fmt: skip
