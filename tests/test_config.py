"""A job is right, or its mistake is named with key, place and the nearest right one."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulkmail.config import Job, flag, load
from bulkmail.config.layers import VARIABLES
from bulkmail.errors import ConfigError
from bulkmail.text import seconds

WHOLE = """\
[app]
tenant_id = "contoso.onmicrosoft.com"
client_id = "c"
certificate = "keys/app.pfx"

[input]
path = "lists/all.csv"

[limits]
mailbox_concurrency = 3
max_wait = "1h30m"

[output]
directory = "out"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "job.toml"
    path.write_text(text, encoding="utf-8")
    return path


def load_text(
    folder: Path, text: str, environment: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> Job:
    return load(write(folder, text), environment=environment or {}, flags=flags)


def refusal(folder: Path, text: str, environment: Mapping[str, str] | None = None, **flags: Any) -> str:
    """What is said about a wrong job, with the path of its file left out."""
    with pytest.raises(ConfigError) as caught:
        load_text(folder, text, environment, {key.replace("__", "."): value for key, value in flags.items()})
    return f"{caught.value}\n{caught.value.hint}".replace(str(folder / "job.toml"), "JOB")


MISTAKES = {
    "unknown table": ("[limit]\n", "JOB:1: [limit] is not a table of a job; did you mean limits?"),
    "unknown table, nothing like it": ("\n[zebra]\n", "JOB:2: [zebra] is not a table of a job; there are app, input"),
    "unknown key": ("[limits]\nzebra = 1", "JOB:2: limits.zebra is not a setting; there are mailbox_concurrency,"),
    "misspelt key": ("[app]\ntenantid = 'x'", "JOB:2: app.tenantid is not a setting; did you mean tenant_id?"),
    "a key with dots": ("limits.bacth = true", "JOB:1: limits.bacth is not a setting; did you mean batch?"),
    "an inline table": ("limits = { bacth = true }", "JOB:1: limits.bacth is not a setting; did you mean batch?"),
    "a key in quotes": ('[ "limits" ]\n"bacth" = true', "JOB:2: limits.bacth is not a setting; did you mean batch?"),
    "a table that is none": ("limits = 5", "JOB:1: limits is a table\nWrite [limits]"),
    "an array of tables": ("[[limits]]\nbatch = true", "JOB:1: limits is a table"),
    "wrong type": ('[limits]\nmax_attempts = "6"', "JOB:2: limits.max_attempts: should be a whole number"),
    "a truth for a number": ("[limits]\nmax_attempts = true", "JOB:2: limits.max_attempts: should be"),
    "a number for a text": ("[app]\nclient_id = 7", "JOB:2: app.client_id: should be a text between quotes"),
    "out of range": ("[limits]\nmailboxes_in_flight = 0", "JOB:2: limits.mailboxes_in_flight: should be at least 1"),
    "above four": ("[limits]\nmailbox_concurrency = 5", "mailbox_concurrency: should be at most 4"),
    "negative": ("[limits]\ngrace = -1", "JOB:2: limits.grace: should be at least 0"),
    "not a number": ("[limits]\nmax_failures = nan", "JOB:2: limits.max_failures: should be a finite number"),
    "endless": ("[limits]\nrequests_per_second = inf", "limits.requests_per_second: should be a finite number"),
    "no time": ('[limits]\nmax_wait = "soon"', "JOB:2: limits.max_wait: a time looks like 150ms, 90s"),
    "too large a batch": ("[limits]\nbatch = 21", "JOB:2: limits.batch: should be true, false or a number of parts"),
    "no batch": (
        '[limits]\nbatch = "yes"',
        "limits.batch: should be true or false",
    ),
    "no such format": ('[output]\nformat = ["xlsx"]', "JOB:2: output.format: should be one of 'ndjson' or 'csv'"),
    "no format": ("[output]\nformat = []", "JOB:2: output.format: "),
    "two origins": (
        '[input]\npath = "a"\ngroup = "b"',
        "JOB:1: input: give only one of path, users and group, not path",
    ),
    "a secret": (
        '\n[app]\nclient_secret = "x"',
        "JOB:3: app.client_secret must not stand in a job file\nUse app.client",
    ),
    "a password": ('[app]\ncertificate_password = "x"', "JOB:2: app.certificate_password must not stand in a job file"),
    "no TOML": ("[limits\n", "JOB is not TOML: "),
    "a backslash": (
        '[app]\ncertificate = "C:\\certs\\app.pfx"',
        "column 20)\nA backslash is special between double quotes: write 'C:\\certs\\app.pfx', or use slashes.",
    ),
    "a user's folder": (
        '[app]\ncertificate = "C:\\Users\\ada\\app.pfx"',
        "A backslash is special between double quotes: write 'C:\\Users\\ada\\app.pfx', or use slashes.",
    ),
    "a backslash that is read as a tab": (
        '[app]\ncertificate = "C:\\temp\\new.pfx"',
        "JOB:2: app.certificate holds a tab or another control character\nA backslash is special",
    ),
    "no quotes": ("[input]\npath = staff.csv", 'A text stands between quotes in TOML: "staff.csv".'),
    "typographic quotes": ("[input]\npath = \u201cstaff.csv\u201d", "Typographic quotes do not count in TOML"),
    "too deep": ("a = " + "[" * 5000, "JOB is not TOML: "),
    "a number of 5,000 digits": ("a = " + "9" * 5000, "JOB is not TOML: "),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_place(name: str, tmp_path: Path) -> None:
    text, said = MISTAKES[name]
    assert said in refusal(tmp_path, text)


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, "[limits]\nbatch = 99\ngrace = -1\n[output]\nbomb = true").splitlines()
    assert [line.partition(": ")[0] for line in said if line] == ["JOB:2", "JOB:3", "JOB:5"]


def test_a_value_is_not_repeated(tmp_path: Path) -> None:
    assert "hunter2" not in refusal(tmp_path, '[app]\nclient_secret = "hunter2"')
    assert "hunter2" not in refusal(tmp_path, '[app]\npassword = "hunter2"')
    assert "hunter2" not in refusal(tmp_path, '[app]\nclient_id = ["hunter2"]')


def test_a_file_that_cannot_be_read_as_one(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    with pytest.raises(ConfigError, match="cannot read"):
        load(path, environment={})
    with pytest.raises(ConfigError, match="cannot read"):
        load(tmp_path, environment={})
    path.write_bytes(b"[app]\nclient_id = '\xe9'\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(path, environment={})
    path.write_bytes(b"\xef\xbb\xbf[limits]\r\nbatch = 7\r\n")
    assert load(path, environment={}).limits.parts == 7


def test_a_job_without_anything_has_the_built_in_values(tmp_path: Path) -> None:
    job = load_text(tmp_path, "")
    assert (job.task.name, job.limits.mailbox_concurrency, job.limits.parts, job.input.origins) == (
        "settings.report", 4, 0, [],
    )  # fmt: skip


LAYERS = [  # a key, its value in the file, in the environment and on the command line
    ("app.client_id", "f", "e", "c"),
    ("input.limit", 1, 2, 3),
    ("limits.mailbox_concurrency", 1, 2, 3),
    ("limits.max_wait", "1s", "2s", "3s"),
    ("output.directory", "/f", "/e", "/c"),
    ("output.format", ["csv"], ["ndjson"], ["csv", "ndjson"]),
]


@pytest.mark.parametrize(("dotted", "in_file", "in_environment", "on_line"), LAYERS)
def test_the_later_layer_wins(dotted: str, in_file: Any, in_environment: Any, on_line: Any, tmp_path: Path) -> None:
    table, _, key = dotted.partition(".")
    text = f"[{table}]\n{key} = {in_file!r}"
    variable = next(name for name, place in VARIABLES.items() if place == (table, key))
    environment = {variable: str(in_environment)}

    def value(job: Job) -> Any:
        found = getattr(getattr(job, table), key)
        return list(found) if isinstance(found, tuple) else found

    built_in = value(load_text(tmp_path, ""))
    expected = [seconds(one) if key == "max_wait" else one for one in (in_file, in_environment, on_line)]
    jobs = (
        load_text(tmp_path, text),
        load_text(tmp_path, text, environment),
        load_text(tmp_path, text, environment, {dotted: on_line}),
    )
    assert [value(job) for job in jobs] == expected
    assert built_in not in expected


def test_the_task_is_chosen_on_the_command_line_with_its_options(tmp_path: Path) -> None:
    text = '[task]\nname = "a"\ncolumns = "all"'
    job = load_text(tmp_path, text, {}, dict(map(flag, ["task.name=b", "task.columns=seed", "task.number=5"])))
    assert (job.task.name, job.task.options) == ("b", {"columns": "seed", "number": 5})


def test_paths_are_relative_to_where_they_stand(tmp_path: Path) -> None:
    job = load_text(tmp_path, WHOLE, {"BULKMAIL_CA_FILE": "ca.pem"}, {"output.directory": "here"})
    assert job.app.certificate == tmp_path / "keys/app.pfx"
    assert Path(*job.input.paths) == tmp_path / "lists/all.csv"
    assert job.app.ca_file == Path("ca.pem")
    assert job.output.directory == "here"
    assert load_text(tmp_path, '[input]\npath = "-"').input.path == "-"
    assert load_text(tmp_path, '[app]\ncertificate = ""').app.certificate is None
    absolute = str(tmp_path / "elsewhere.csv")
    assert load_text(tmp_path, f"[input]\npath = '{absolute}'").input.path == absolute


@pytest.mark.parametrize(("given", "expected"), [
    ("blobs", "{}/blobs"), ("/mnt/exports", "/mnt/exports"), ("s3://bucket/exports", "s3://bucket/exports"),
    ("abfs://exports@contoso.dfs.core.windows.net/2026", "abfs://exports@contoso.dfs.core.windows.net/2026"),
])  # fmt: skip
def test_blobs_go_to_a_folder_or_to_an_address(tmp_path: Path, given: str, expected: str) -> None:
    job = load_text(tmp_path, f'[output]\nblobs = "{given}"')
    assert job.output.blobs == expected.format(tmp_path)


@pytest.mark.parametrize("given", [
    "s3://AKIA:S3cret@bucket/x", "s3://S3cret@bucket", "az://x:S3cret@y/z", "s3://bucket/x?key=S3cret",
    "simplecache::s3://S3cret",
])  # fmt: skip
def test_credentials_of_a_store_do_not_stand_in_its_address(tmp_path: Path, given: str) -> None:
    text = refusal(tmp_path, f'[output]\nblobs = "{given}"')
    assert "output.blobs" in text
    assert "S3cret" not in text


def test_an_origin_sets_aside_those_of_earlier_layers(tmp_path: Path) -> None:
    text = '[input]\nusers = ""\nlimit = 5'
    job = load_text(tmp_path, text, {"BULKMAIL_INPUT_GROUP": "g"})
    assert (job.input.origins, job.input.limit) == (["group"], 5)
    job = load_text(tmp_path, text, {"BULKMAIL_INPUT_GROUP": "g"}, {"input.path": "p"})
    assert job.input.origins == ["path"]
    assert load_text(tmp_path, text).input.origins == ["users"]
    said = refusal(tmp_path, text, {"BULKMAIL_INPUT_GROUP": "g", "BULKMAIL_INPUT_PATH": "p"})
    assert "give only one of path, users and group, not path and group" in said


def test_the_speaker_of_a_wrong_value_is_named(tmp_path: Path) -> None:
    """Not the line of the file, which is right."""
    text = "[limits]\nbatch = true"
    assert refusal(tmp_path, text, {"BULKMAIL_LIMITS_BATCH": "99"}).startswith("BULKMAIL_LIMITS_BATCH: limits.batch: ")
    assert refusal(tmp_path, text, limits__batch=99).startswith("command line: limits.batch: ")
    assert refusal(tmp_path, text, limits__bacth=9).startswith("command line: limits.bacth is not a setting; did you")


def test_flags_that_are_none(tmp_path: Path) -> None:
    assert "batch is not a setting; did you mean limits.batch?" in refusal(tmp_path, "", batch=True)
    assert "limit.batch is not a setting; did you mean limits.batch?" in refusal(tmp_path, "", limit__batch=True)
    assert "cannot be a flag" in refusal(tmp_path, "", app__client_secret="x")
    with pytest.raises(ConfigError, match="there is no value"):
        flag("limits.batch")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("limits.batch=true", True),
        (" limits.batch = 5 ", 5),
        ("limits.max_failures=0.1", 0.1),
        ("limits.max_wait=2h", "2h"),
        ('output.format=["csv"]', ["csv"]),
        ("input.path=2026", "2026"),
        ("output.directory=2026-11-23", "2026-11-23"),
        ('input.column="User name"', "User name"),
        ("input.users=accountEnabled eq true", "accountEnabled eq true"),
        ("task.anything=a=b", "a=b"),
        ("task.number=5", 5),
    ],
)
def test_what_a_flag_means(text: str, value: Any) -> None:
    assert flag(text)[1] == value


def test_the_environment(tmp_path: Path) -> None:
    environment = {
        "BULKMAIL_TENANT_ID": "1e5",
        "BULKMAIL_CERTIFICATE_PASSWORD": '"in quotes"',
        "BULKMAIL_INPUT_COLUMN": "42",
        "BULKMAIL_LIMITS_BATCH": "true",
        "BULKMAIL_CERTIFICATE": "",  # as a container has it that was given none
        "BULKMAIL_LIMITS_BACTH": "true",
        "BULKMAIL_": "x",
        "PATH": "/bin",
    }
    job = load_text(tmp_path, "", environment)
    assert job.app.tenant_id == "1e5"
    assert job.app.certificate_password is not None
    assert job.app.certificate_password.get_secret_value() == '"in quotes"'
    assert job.input.column == "42"
    assert job.limits.parts == 20
    assert job.app.certificate is None
    assert "in quotes" not in repr(job)
    assert len(job.notes) == 2
    assert "BULKMAIL_LIMITS_BACTH is not a setting of bulkmail; did you mean BULKMAIL_LIMITS_BATCH?" in job.notes


def test_the_environment_of_the_process_is_the_one_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BULKMAIL_CLIENT_ID", "from outside")
    assert load(write(tmp_path, "")).app.client_id == "from outside"


KEYS = st.sampled_from(["path", "users", "batch", "max_wait", "format", "name", "certificate", "x", "options", "limit"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items() if one is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(one) for one in value if one is not None) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08x}" for letter in value if letter.isprintable()) + '"'
    return str(value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    tables=st.dictionaries(st.sampled_from(["app", "input", "task", "limits", "output", "more"]), VALUES, max_size=4),
    environment=st.dictionaries(st.sampled_from([*VARIABLES, "BULKMAIL_X"]), st.text(max_size=8), max_size=3),
)
def test_whatever_the_file_says_it_is_a_job_or_a_mistake(
    tables: dict[str, Any], environment: dict[str, str], tmp_path: Path
) -> None:
    text = "\n".join(f"{name} = {toml(value)}" for name, value in tables.items() if value is not None)
    with suppress(ConfigError):
        assert load_text(tmp_path, text, environment).limits.mailbox_concurrency <= 4


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_whatever_the_bytes_are(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_bytes(content)
    with suppress(ConfigError):
        assert load(path, environment={}).path == path
