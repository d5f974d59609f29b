"""A job that wants some of its list: what is left out is told, also where the list is piped in, resumed or applied."""

import json
import os

import pytest

from bulkmail.app.input import file_source
from bulkmail.config import Input
from bulkmail.errors import UsageError
from tests.cli.conftest import APPLY, REPORT, ZONE, Desk

WHERE = "Department == 'Finance' and not Exempt"


def write_staff(desk: Desk) -> list[str]:
    """Every second mailbox is of Finance, and one of these is exempt; returns those that are meant."""
    addresses = desk.tenant.addresses()
    lines = [
        f"{address},{('Finance', 'Sales')[place % 2]},{'TRUE' if place == 2 else 'FALSE'}"
        for place, address in enumerate(addresses)
    ]
    (desk.folder / "mailboxes.csv").write_text("\n".join(["UserPrincipalName,Department,Exempt", *lines]))
    return [address for place, address in enumerate(addresses) if place % 2 == 0 and place != 2]


def test_where_leaves_out_and_tells_how_many(desk: Desk) -> None:
    meant = write_staff(desk)
    done = desk.bulkmail("run", desk.job(REPORT), "--where", WHERE)
    assert done.code == 0, done.err
    assert sorted(done.statuses()) == sorted(meant)
    assert "12 rows = 5 unique + 7 left out" in done.out
    assert "7 mailboxes: 7 not meant by where" in done.out
    assert (done.manifest["counts"]["unmatched"], done.manifest["counts"]["rows"]) == (7, 12)
    assert (done.manifest["input"]["where"], done.manifest["input"]["mailboxes"]) == (WHERE, 5)


def test_the_same_of_a_list_that_is_piped_in(desk: Desk) -> None:
    meant = write_staff(desk)
    with (desk.folder / "mailboxes.csv").open("rb") as file:
        before = os.dup(0)
        os.dup2(file.fileno(), 0)
        try:
            done = desk.bulkmail("run", desk.job(REPORT), "--input", "-", "--where", WHERE, "--set", "input.skip=1")
        finally:
            os.dup2(before, 0)
            os.close(before)
    assert done.code == 0, done.err
    assert sorted(done.statuses()) == sorted(meant[1:])
    assert "8 mailboxes: 7 not meant by where, 1 skipped" in done.out


def test_a_plan_of_a_part_is_applied_to_that_part(desk: Desk) -> None:
    meant, before = write_staff(desk), desk.zones()
    plan = desk.bulkmail("run", desk.job(APPLY), "--where", WHERE, "--set", "input.skip=1")
    assert sorted(plan.statuses()) == sorted(meant[1:])
    done = desk.bulkmail("apply", plan.folder, out="out-apply")
    assert done.code == 0, done.err
    places = [place for place, zone in enumerate(desk.zones()) if zone != before[place]]
    assert {desk.tenant.addresses()[place] for place in places} <= set(meant[1:])
    assert [desk.zones()[place] for place in places] == [ZONE] * plan.manifest["changes"]["planned"] != []


def test_exceptions_a_sample_and_several_files(desk: Desk) -> None:
    addresses = desk.tenant.addresses()
    (desk.folder / "a.csv").write_text("\n".join(["mailbox", *addresses[:7]]))
    (desk.folder / "b.csv").write_text("\n".join(["mailbox", *addresses[5:]]))
    (desk.folder / "vip.txt").write_text(f"{addresses[0].upper()}\n{addresses[11]}\n")
    job = desk.job(
        '[input]\npath = ["a.csv", "[b].csv"]\nexclude = "vip.txt"\nsample = 4\nseed = 7\n'
        '[task]\nname = "settings.report"\n'
    )
    first, second = desk.bulkmail("run", job), desk.bulkmail("run", job, out="out-2")
    assert first.code == 0, first.err
    assert "14 rows = 4 unique + 2 duplicate + 8 left out" in first.out
    assert "8 mailboxes: 2 excluded, 6 not in the sample" in first.out
    assert first.statuses() == second.statuses()
    assert not {addresses[0], addresses[11]} & set(first.statuses())
    assert json.loads((first.folder / "run.json").read_text())["input"]["excluded_sha256"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("where = 'Departmant == 1'", "names the column 'Departmant'"),
        ("where = 'Department = 1'", "input.where"),
        ("where = \"Department == 'nowhere'\"", "leaves all of its 12 mailboxes out"),
        ("exclude = 'missing.csv'", "missing.csv"),
        ("exclude = '-'", "input.exclude is a file"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_done(desk: Desk, more: str, said: str) -> None:
    write_staff(desk)
    done = desk.bulkmail(
        "run", desk.job(f'[input]\npath = "mailboxes.csv"\n{more}\n[task]\nname = "settings.report"\n')
    )
    assert (done.code, said in done.err) == (2, True), done.err
    assert not done.folder.exists()


def test_standard_input_is_alone() -> None:
    with pytest.raises(UsageError, match="one of several"):
        file_source(Input(path=("-", "a.csv")))


def test_users_of_the_directory_are_chosen_among_too(desk: Desk) -> None:
    one, other = desk.tenant.addresses(2)
    (desk.folder / "vip.txt").write_text(f"{one}\n")
    where = f"endswith(userPrincipalName, '@{one.partition('@')[2]}') and mailbox != '{other}'"
    listed = '[input]\nusers = ""\nexclude = "vip.txt"\n[task]\nname = "settings.report"\n'
    done = desk.bulkmail("run", desk.job(listed), "--where", where)
    assert done.code == 0, done.err
    assert set(done.statuses()) == set(desk.tenant.addresses()) - {one, other}
    counts = done.manifest["counts"]
    assert (counts["excluded"], counts["unmatched"]) == (1, 1)
