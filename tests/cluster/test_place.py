"""What a worker does where it does not see the run directory, and which certificate is its own."""

from pathlib import Path

import pytest

from bulkmail.cluster.place import depot_seen, own_credential, place, sees
from bulkmail.config import App, Job
from bulkmail.errors import ConfigError, OutputError
from bulkmail.model import Mailbox
from bulkmail.sink.spill import Spills

ADA = Mailbox("ada@contoso.com", row=7)


def run_dir(folder: Path, id_: str = "run-1") -> Path:
    folder.mkdir()
    (folder / "run.json").write_text(f'{{"format": 3, "id": "{id_}"}}')
    return folder


def test_who_sees_the_run_directory_works_in_it(tmp_path: Path) -> None:
    folder = run_dir(tmp_path / "run")
    assert sees(folder, "run-1")
    with place(folder, "run-1", 3, depot_seen(folder, "run-1", "")) as mine:
        assert mine.blobs.folder.parent == folder
        mine.blobs.of(ADA)


@pytest.mark.parametrize("found", ["none", "another", "no object", "no JSON"])
def test_who_does_not_see_it_has_spills_of_its_own_and_no_place_for_blobs(tmp_path: Path, found: str) -> None:
    folder = tmp_path / "run"
    if found == "another":
        run_dir(folder, "run-2")
    elif found != "none":
        run_dir(folder)
        (folder / "run.json").write_text("[]" if found == "no object" else "{")
    assert not sees(folder, "run-1")
    with place(folder, "run-1", 3, depot_seen(folder, "run-1", "")) as mine:
        assert isinstance(mine.spills, Spills)
        with pytest.raises(OutputError, match="does not see") as raised:
            mine.blobs.of(ADA)
        assert "output.blobs" in raised.value.hint
    assert not (folder / "spills").exists()


def test_a_place_for_blobs_that_the_job_names_is_enough(tmp_path: Path) -> None:
    folder, shared = tmp_path / "run", tmp_path / "shared"
    assert depot_seen(folder, "run-1", str(shared)) is None
    (shared / "run-1").mkdir(parents=True)
    with place(folder, "run-1", 3, depot_seen(folder, "run-1", str(shared))) as mine:
        assert mine.blobs.folder == shared / "run-1"
        mine.blobs.of(ADA)
    assert not folder.exists()


def test_a_masked_run_spills_nothing_into_its_directory_and_names_nobody_there(tmp_path: Path) -> None:
    folder = run_dir(tmp_path / "run")
    with place(
        folder, "run-1", 3, depot_seen(folder, "run-1", ""), hide={ADA.address: "mailbox-1"}.__getitem__
    ) as mine:
        assert not mine.spills.folder.is_relative_to(folder)
        assert mine.blobs.path_of(ADA) == folder / "blobs" / "7-mailbox-1"
        with pytest.raises(KeyError):
            mine.blobs.path_of(Mailbox("alan@contoso.com", row=8))


def test_a_worker_signs_in_by_its_own_environment() -> None:
    job = Job(app=App(tenant_id="contoso.example", client_id="00000000-0000-4000-8000-000000000001", cloud="global"))
    with pytest.raises(ConfigError):
        own_credential(job, {})
    found = own_credential(job, {"BULKMAIL_CLIENT_SECRET": "S3cret"})
    assert "S3cret" not in repr(found)
