"""The public face: complete, in order, and enough to write a task with."""

import importlib.metadata
import subprocess
import sys

import bulkmail


def test_all_is_sorted_and_is_there() -> None:
    assert bulkmail.__all__ == sorted(bulkmail.__all__)
    assert all(hasattr(bulkmail, name) for name in bulkmail.__all__)


def test_all_is_complete() -> None:
    """Whatever a user could import from here by its class is meant to be; submodules aside."""
    here = {
        name for name, value in vars(bulkmail).items() if not name.startswith("_") and not isinstance(value, type(sys))
    }
    assert here == set(bulkmail.__all__) - {"__version__"}


def test_the_version_is_that_of_the_package() -> None:
    assert bulkmail.__version__ == importlib.metadata.version("bulkmail")


def test_importing_it_brings_no_network_and_no_terminal() -> None:
    program = (
        "import bulkmail, sys; print(sorted({'aiohttp', 'msal', 'rich', 'typer', 'cryptography'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "[]"
