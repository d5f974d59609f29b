"""The private file of a masked run: durable before what needs it, whatever broke off; one of another run is refused."""

import threading
from pathlib import Path

import orjson
import pytest

from bulkmail.core.mask import Mask
from bulkmail.errors import Damaged, OutputError
from bulkmail.rundir.addresses import Addresses, HiddenEntries
from bulkmail.rundir.journal import Journal, read
from bulkmail.sink import Appender

RUN, OTHER = "a" * 32, "b" * 32
MASK = Mask(b"k" * 32)
ADA = {"row": 2, "mailbox": "Ada@contoso.com", "n": 1}
ALAN = {"row": 3, "mailbox": "alan@contoso.com", "of": ["ada@contoso.com"]}


def writing(folder: Path) -> Addresses:
    return Addresses(folder, RUN, MASK)


def reading(folder: Path, run: str = RUN) -> Addresses:
    return Addresses(folder, run)


def test_entries_are_shown_by_another_process_without_the_key(tmp_path: Path) -> None:
    addresses = writing(tmp_path)
    hidden = addresses.hidden([ADA, ALAN])
    assert "contoso" not in str(hidden) + repr(addresses)
    assert [reading(tmp_path).shown(one) for one in hidden] == [ADA, ALAN]
    assert (tmp_path / "addresses.ndjson").stat().st_mode & 0o777 == 0o600


def test_a_later_process_goes_on_behind_a_line_that_broke_off(tmp_path: Path) -> None:
    first = writing(tmp_path).hidden([ADA])
    path = tmp_path / "addresses.ndjson"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"masked":"mail')
    later = writing(tmp_path)
    assert later.hidden([ADA]) == first
    assert path.read_bytes().startswith(whole)
    second = later.hidden([ALAN])
    assert [reading(tmp_path).shown(one) for one in (*first, *second)] == [ADA, ALAN]
    assert sum(1 for _ in read(path, run=RUN)) == 3


def test_a_journal_tells_of_no_one_and_its_addresses_are_there_before_it(tmp_path: Path) -> None:
    addresses = writing(tmp_path)

    class Watched(Appender):
        def append(self, block: bytes) -> int:
            known = reading(tmp_path)
            assert [known.shown(orjson.loads(line))["mailbox"] for line in block.splitlines()] == ["Ada@contoso.com"]
            return super().append(block)

    with Watched(tmp_path / "outcomes.ndjson") as file:
        HiddenEntries(Journal(file, RUN), addresses).append([orjson.dumps(ADA)])
        HiddenEntries(Journal(file, RUN), addresses).append([])
    assert b"contoso" not in (tmp_path / "outcomes.ndjson").read_bytes()


def test_a_reader_finds_what_a_living_process_has_written_since(tmp_path: Path) -> None:
    addresses, reader = writing(tmp_path), reading(tmp_path)
    hidden = addresses.hidden([ADA])
    assert reader.shown(hidden[0]) == ADA
    assert reader.shown(addresses.hidden([ALAN])[0]) == ALAN


def test_rows_are_kept_with_the_next_entry(tmp_path: Path) -> None:
    addresses = writing(tmp_path)
    addresses.load()
    addresses.row({"to": "grace@contoso.com"}, "ada@contoso.com")
    assert not (tmp_path / "addresses.ndjson").exists()
    addresses.flush()
    assert b"grace@contoso.com" in (tmp_path / "addresses.ndjson").read_bytes()


def test_without_the_file_digests_stay_unless_a_run_goes_on_by_them(tmp_path: Path) -> None:
    hidden = writing(tmp_path).hidden([ADA])[0]
    path = tmp_path / "addresses.ndjson"
    content = path.read_bytes()
    path.unlink()
    reader = reading(tmp_path)
    assert reader.shown(hidden) == hidden
    reader.require()
    with pytest.raises(Damaged, match="does not say which address mailbox-"):
        reader.shown(hidden)
    path.write_bytes(content)
    assert reader.shown(hidden) == ADA
    path.write_bytes(b"")
    with pytest.raises(Damaged, match="does not say which address mailbox-"):
        reading(tmp_path).shown(hidden)
    path.write_bytes(content)
    with pytest.raises(Damaged, match="another run"):
        reading(tmp_path, OTHER).shown(hidden)


def test_what_could_not_be_written_is_written_with_the_next(tmp_path: Path) -> None:
    """Else a journal that is written when there is room again would name a mailbox that nothing shows any more."""
    addresses, path = writing(tmp_path), tmp_path / "addresses.ndjson"
    first = addresses.hidden([ADA])
    path.rename(tmp_path / "elsewhere")
    with pytest.raises(OutputError):
        addresses.hidden([ALAN])
    (tmp_path / "elsewhere").rename(path)
    again = addresses.hidden([ALAN])
    assert [reading(tmp_path).shown(one) for one in (*first, *again)] == [ADA, ALAN]


def test_what_is_looked_up_meanwhile_takes_nothing_from_what_is_to_be_written(tmp_path: Path) -> None:
    addresses = writing(tmp_path)
    addresses.hidden([ADA])
    row = addresses.row({"to": "grace@contoso.com"}, "ada@contoso.com")
    stranger = {"row": 9, "mailbox": "mailbox-0123456789abcdef"}
    with pytest.raises(Damaged, match="does not say which address mailbox-0123456789abcdef"):
        addresses.shown(stranger)
    addresses.flush()
    assert reading(tmp_path).shown(row)["to"] == "grace@contoso.com"


def test_threads_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    addresses, found = writing(tmp_path), dict[int, list[object]]()

    def work(number: int) -> None:
        entries = [{"row": row, "mailbox": f"user{row % 60}@contoso.com"} for row in range(number, number + 50)]
        hidden = [one for entry in entries for one in addresses.hidden([entry])]
        found[number] = [reading(tmp_path).shown(one) == entry for one, entry in zip(hidden, entries, strict=True)]

    threads = [threading.Thread(target=work, args=(10 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [all(found[10 * number]) for number in range(4)] == [True] * 4
    assert sum(1 for _ in read(tmp_path / "addresses.ndjson", run=RUN)) == 60


def test_it_shows_where_it_is_and_nothing_of_what_it_holds(tmp_path: Path) -> None:
    addresses = writing(tmp_path)
    addresses.hidden([ADA])
    assert repr(addresses) == f"<Addresses {tmp_path / 'addresses.ndjson'}>"
