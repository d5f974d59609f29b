"""Several files are one list: rows count on, and a mailbox counts once."""

from hashlib import sha256
from pathlib import Path

import pytest

from bulkmail.errors import InputError
from bulkmail.model import Counts, Mailbox, Rejected
from bulkmail.source import FileSource, Seen
from bulkmail.source.several import Several, expanded
from bulkmail.testing import collect, run


def open_file(path: Path, limit: int | None, seen: Seen) -> FileSource:
    return FileSource(path, limit=limit, seen=seen)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    (tmp_path / "a.csv").write_text("mailbox\nada@contoso.com\nalan@contoso.com\n")
    (tmp_path / "b.csv").write_text("UserPrincipalName,Name\nADA@contoso.com,Ada\n,x\ngrace@contoso.com,G\n")
    (tmp_path / "c.txt").write_text("edsger@contoso.com\n")
    return [tmp_path / name for name in ("a.csv", "b.csv", "c.txt")]


def test_rows_count_on_and_duplicates_are_found_across_files(paths: list[Path]) -> None:
    source = Several(paths, open_file)
    for _ in range(2):
        rows = [row for chunk in run(collect(aiter(source))) for row in chunk]
        named = {row.row: row.address for row in rows if isinstance(row, Mailbox)}
        assert named == {2: "ada@contoso.com", 3: "alan@contoso.com", 7: "grace@contoso.com", 8: "edsger@contoso.com"}
        whys = {row.row: (row.reason, row.why[-16:]) for row in rows if isinstance(row, Rejected)}
        assert whys == {5: ("duplicate", "(row 2 of b.csv)"), 6: ("blank", "(row 3 of b.csv)")}
        assert source.counts == Counts(unique=4, duplicates=1, blank=1)
    assert source.size() == 4
    assert source.columns == ("mailbox", "UserPrincipalName")
    digest = source.digest()
    assert digest is not None
    assert digest.bytes == sum(path.stat().st_size for path in paths)
    each = "".join(sha256(path.read_bytes()).hexdigest() for path in paths)
    assert digest.sha256 == sha256(each.encode()).hexdigest()


def test_a_limit_holds_for_all_together(paths: list[Path]) -> None:
    source = Several(paths, open_file, limit=3)
    rows = [row for chunk in run(collect(aiter(source))) for row in chunk]
    assert [row.address for row in rows if isinstance(row, Mailbox)][-1] == "grace@contoso.com"
    assert source.size() == 3


def test_patterns_name_files_in_order_and_each_once(paths: list[Path], tmp_path: Path) -> None:
    assert expanded([str(tmp_path / "*.csv"), str(paths[0]), str(paths[2])]) == paths
    odd = tmp_path / "list[1].csv"
    odd.write_text("mailbox\n")
    assert expanded([str(odd)]) == [odd]
    assert expanded([str(tmp_path / "missing.csv")]) == [tmp_path / "missing.csv"], "told when it is read"
    with pytest.raises(InputError, match="no such file"):
        expanded([str(tmp_path / "*.xlsx")])
