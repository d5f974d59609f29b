"""A run without workers loads nothing of Dask, from its first step to its last."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from bulkmail.sim import Settings
from bulkmail.testing.tenant import open_tenant

Path("tenant").mkdir()
with open_tenant(Path("tenant").resolve(), Settings(mailboxes=5, seed=5, tls=False)) as tenant:
    assert tenant.run("settings.report", Path("run").resolve()).code in (0, 3)
import bulkmail.cli.workers
print(*(name for name in sys.modules if name.partition(".")[0] in ("dask", "distributed") or "cluster" in name))
"""


def test_dask_is_not_loaded_without_workers(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300, check=True, cwd=tmp_path
    )
    assert done.stdout.split() == []
