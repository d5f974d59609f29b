"""What of Windows can be tested without it: the sources use nothing that is not there without asking first."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

import bulkmail

ROOT = Path(bulkmail.__file__).parent


@cache
def sources() -> Mapping[str, ast.Module]:
    """Parsed once, and where they are asked for: each worker reads this file."""
    return {str(path.relative_to(ROOT)): ast.parse(path.read_bytes()) for path in sorted(ROOT.rglob("*.py"))}


MODULES = {"curses", "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
MEMBERS = {
    "os": {
        "chown", "fchdir", "fchmod", "fchown", "fdatasync", "fork", "geteuid", "getgid", "getloadavg", "getpgid",
        "getuid", "kill", "killpg", "mkfifo", "nice", "openpty", "pread", "preadv", "pwrite", "pwritev", "setsid",
        "setuid", "statvfs", "sysconf", "uname", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK",
    },
    "signal": {
        "SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGTSTP", "SIGUSR1", "SIGUSR2", "alarm",
        "pthread_sigmask", "setitimer", "sigwait",
    },
    "socket": {"AF_UNIX", "SO_REUSEPORT"},
    "time": {"CLOCK_BOOTTIME", "clock_gettime", "tzset"},
    "loop": {"add_signal_handler", "add_reader", "create_unix_server"},
}  # fmt: skip
"""Of POSIX alone; learn by `mypy --platform win32` what else there is."""


def asked(test: ast.expr) -> bool:
    """Whether a condition asks for the system, or whether something is there."""
    return any(word in ast.unparse(test) for word in ("hasattr(", "sys.platform", "os.name"))


def used(node: ast.AST) -> Iterator[str]:
    """What of POSIX alone is used below `node` outside of conditions that ask for it."""
    if isinstance(node, ast.If | ast.IfExp) and asked(node.test):
        return
    if isinstance(node, ast.Try) and any(ast.unparse(one.type) == "ImportError" for one in node.handlers if one.type):
        return
    if isinstance(node, ast.Import):
        yield from (one.name for one in node.names if one.name in MODULES)
    if isinstance(node, ast.ImportFrom) and node.module in MODULES:
        yield node.module
    if isinstance(node, ast.Attribute) and node.attr in MEMBERS.get(ast.unparse(node.value), ()):
        yield ast.unparse(node)
    for child in ast.iter_child_nodes(node):
        yield from used(child)


def test_nothing_is_used_that_windows_does_not_have() -> None:
    assert {name: found for name, tree in sources().items() if (found := list(used(tree)))} == {}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import fcntl", ["fcntl"]),
        ("os.fchmod(1, 2)", ["os.fchmod"]),
        ("from pwd import getpwuid", ["pwd"]),
        ("if hasattr(os, 'fchmod'):\n    os.fchmod(1, 2)", []),
        ("getattr(os, 'O_NOFOLLOW', 0)", []),
        ("try:\n    import pwd\nexcept ImportError:\n    pwd = None", []),
        ("x = time.clock_gettime(1) if sys.platform == 'linux' else 0", []),
        ("if busy:\n    signal.alarm(3)", ["signal.alarm"]),
    ],
)
def test_the_test_itself(source: str, expected: list[str]) -> None:
    assert list(used(ast.parse(source))) == expected


def opened_without_encoding(tree: ast.AST) -> Iterator[str]:
    """Texts that are read or written in the code page of the machine, or with line ends of its own."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = {keyword.arg for keyword in node.keywords}
        texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if name in ("read_text", "write_text") and "encoding" not in given and not texts:
            yield ast.unparse(node)
        modes = [text for text in texts if text and set(text) <= set("rwxabt+")]
        if name == "open" and modes and not any("b" in mode for mode in modes) and "encoding" not in given:
            yield ast.unparse(node)


def test_no_text_is_read_or_written_in_the_code_page_of_the_machine() -> None:
    assert {name: found for name, tree in sources().items() if (found := list(opened_without_encoding(tree)))} == {}


def test_dates_are_not_written_by_what_only_glibc_has() -> None:
    found = [
        (source, node.value)
        for source, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "%-" in node.value and "%Y" in node.value
    ]
    assert found == []
