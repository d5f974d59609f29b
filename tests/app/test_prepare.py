"""What is told of a run before it begins."""

from dataclasses import replace
from pathlib import Path

from bulkmail.app.prepare import introduce
from bulkmail.core.mask import Mask
from bulkmail.testing import run
from tests.app.rig import listed, prepared


def test_a_masked_run_is_masked_from_its_first_note_on(tmp_path: Path) -> None:
    """A warning may quote the job, and a job may name people."""
    mask, told = Mask(b"k" * 32), list[str]()
    one = prepared(listed(tmp_path, "ada@contoso.com"))
    manifest = replace(one.manifest, warnings=("GET /messages?$search=alan@contoso.com has no compare",))
    run(introduce(replace(one, manifest=manifest, warnings=("grace@contoso.com",), mask=mask), told.append))
    assert "contoso" not in " ".join(told)
    assert told[:2] == [
        f"note: {mask('grace@contoso.com')}",
        f"warning: GET /messages?$search={mask('alan@contoso.com')} has no compare",
    ]
