"""`bulkmail cert` as it is called: files, modes, words, refusals."""

import base64
import json
import os
import stat
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner, Result

from bulkmail.cli.cert import app
from bulkmail.cli.password import VARIABLE
from bulkmail.errors import BulkmailError, CertificateError, UsageError
from bulkmail.identity.issue import new_key_pair
from bulkmail.identity.keyfile import load_certificate, load_key_pair
from bulkmail.identity.secret import Secret

PASSWORD = "pass-c4n4ry"
SMALL = ("--key-size", "2048")


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, PASSWORD)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(*arguments: str | Path) -> BulkmailError:
    error = run(*arguments).exception
    assert isinstance(error, BulkmailError)
    return error


def test_new_writes_a_pfx_and_what_to_register(tmp_path: Path) -> None:
    result = run("new", "contoso", "--out", tmp_path / "made", *SMALL)
    assert result.exit_code == 0
    names = {"contoso.pfx", "contoso.cer", "contoso.keycredentials.json"}
    assert {path.name for path in (tmp_path / "made").iterdir()} == names
    pair = load_key_pair(tmp_path / "made" / "contoso.pfx", Secret(PASSWORD))
    assert pair.certificate.subject == "CN=contoso"
    assert load_certificate(tmp_path / "made" / "contoso.cer") == pair.certificate
    (entry,) = json.loads((tmp_path / "made" / "contoso.keycredentials.json").read_text())
    assert len(entry) == 5
    assert base64.b64decode(entry["key"]) == pair.certificate.der
    for printed in (*names, pair.certificate.sha1, pair.certificate.sha256, "Next:", "upload"):
        assert printed in result.output
    assert PASSWORD not in result.output


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_only_the_public_files_are_public(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert run("new", "x", "--out", tmp_path, "--format", "both", *SMALL).exit_code == 0
    finally:
        os.umask(before)
    modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {".pfx": 0o600, ".pem": 0o600, ".cer": 0o644, ".json": 0o644}
    private = load_key_pair(tmp_path / "x.pem", Secret(PASSWORD)).key.private_numbers()
    for public in ("x.cer", "x.keycredentials.json"):
        content = (tmp_path / public).read_bytes()
        assert b"PRIVATE" not in content
        assert private.d.to_bytes(256, "big").strip(b"\0") not in content


def test_a_rollover_lists_both_certificates_new_one_first(tmp_path: Path) -> None:
    run("new", "old", "--out", tmp_path, *SMALL)
    assert run("new", "new", "--out", tmp_path, "--rollover", tmp_path / "old.cer", *SMALL).exit_code == 0
    entries = json.loads((tmp_path / "new.keycredentials.json").read_text())
    made = [load_certificate(tmp_path / name) for name in ("new.cer", "old.cer")]
    assert [base64.b64decode(entry["key"]) for entry in entries] == [certificate.der for certificate in made]
    assert len({entry["keyId"] for entry in entries}) == 2


def test_the_manifest_before_graph(tmp_path: Path) -> None:
    run("new", "x", "--out", tmp_path, "--old-manifest", *SMALL)
    (entry,) = json.loads((tmp_path / "x.keycredentials.json").read_text())
    assert base64.b64decode(entry["value"]) == load_certificate(tmp_path / "x.cer").der


def test_subject_days_and_size(tmp_path: Path) -> None:
    result = run("new", "x.y", "--out", tmp_path, "--subject", "CN=a,O=b", "--days", "30", "--json", *SMALL)
    printed = json.loads(result.stdout)
    assert printed["subject"] == "CN=a,O=b"
    assert printed["days_left"] in (29, 30)
    assert [Path(path).name for path in printed["files"]] == ["x.y.pfx", "x.y.cer", "x.y.keycredentials.json"]
    assert isinstance(refused("new", "z", "--out", tmp_path, "--key-size", "1024"), UsageError)
    assert {path.name.split(".")[0] for path in tmp_path.iterdir()} == {"x"}


def test_what_exists_is_replaced_by_force_only(tmp_path: Path) -> None:
    (tmp_path / "x.cer").write_text("mine")
    assert "exists already" in str(refused("new", "x", "--out", tmp_path, *SMALL))
    assert [path.name for path in tmp_path.iterdir()] == ["x.cer"]
    assert run("new", "x", "--out", tmp_path, "--force", *SMALL).exit_code == 0
    assert load_certificate(tmp_path / "x.cer").subject == "CN=x"


def test_the_password_file_comes_before_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "pass"
    file.write_text("from a file\n")
    run("new", "x", "--out", tmp_path, "--password-file", file, *SMALL)
    assert load_key_pair(tmp_path / "x.pfx", Secret("from a file")).certificate.subject == "CN=x"


def test_without_password_and_terminal_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    error = refused("new", "x", "--out", tmp_path, *SMALL)
    assert isinstance(error, UsageError)
    assert "--password-file" in error.hint
    assert VARIABLE in error.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="a terminal of POSIX")
def test_on_a_terminal_it_asks_twice_and_shows_nothing(tmp_path: Path) -> None:
    import pty

    terminal, end = pty.openpty()
    program = "from bulkmail.cli.cert import app; app()"
    command = [sys.executable, "-c", program, "new", "x", "--out", str(tmp_path), *SMALL]
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    with subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env=environment, start_new_session=True) as child:
        os.close(end)
        seen = b""
        for prompt in (b"Password of the private key: ", b"confirmation: "):
            while not seen.endswith(prompt):
                seen += os.read(terminal, 4096)
            os.write(terminal, f"{PASSWORD}\n".encode())
        with suppress(OSError):  # the end of the child is the end of its terminal
            while block := os.read(terminal, 4096):
                seen += block
        assert child.wait(300) == 0
    os.close(terminal)
    assert PASSWORD.encode() not in seen
    assert load_key_pair(tmp_path / "x.pfx", Secret(PASSWORD)).certificate.subject == "CN=x"


def test_no_password_is_for_a_pem_alone(tmp_path: Path) -> None:
    result = run("new", "x", "--out", tmp_path, "--format", "pem", "--no-password", *SMALL)
    assert "UNENCRYPTED" in result.output
    assert load_key_pair(tmp_path / "x.pem").certificate.subject == "CN=x"
    for form in ("pfx", "both"):
        assert isinstance(refused("new", "y", "--out", tmp_path, "--format", form, "--no-password"), UsageError)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/x", "a\\b"])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    assert isinstance(refused("new", name, "--out", tmp_path), UsageError)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(VARIABLE, PASSWORD)
        assert run("new", "x", "--out", folder, "--format", "both", *SMALL).exit_code == 0
    return folder


@pytest.mark.parametrize("suffix", [".pfx", ".pem", ".cer"])
def test_show(made: Path, suffix: str) -> None:
    certificate = load_certificate(made / "x.cer")
    result = run("show", made / f"x{suffix}")
    assert result.exit_code == 0
    for printed in (certificate.sha1, certificate.sha256, certificate.x5t, certificate.x5t_s256, "CN=x", "days_left"):
        assert printed in result.output
    assert "PRIVATE" not in result.output
    printed = json.loads(run("show", made / f"x{suffix}", "--json").output)
    assert printed["sha1"] == certificate.sha1
    assert printed["keyCredentials"][0]["type"] == "AsymmetricX509Cert"


def test_only_a_pfx_needs_the_password_to_be_shown(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    assert run("show", made / "x.pem").exit_code == 0
    assert isinstance(refused("show", made / "x.pfx"), UsageError)
    monkeypatch.setenv(VARIABLE, "wrong")
    assert isinstance(refused("show", made / "x.pfx"), CertificateError)


def test_help_has_examples() -> None:
    for command in ("new", "show"):
        assert "bulkmail cert" in run(command, "--help").output


def test_a_rollover_never_replaces_the_key_in_use(tmp_path: Path) -> None:
    """Not even by force: it signs in until its successor is registered."""
    run("new", "contoso", "--out", tmp_path, *SMALL)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for more in ((), ("--force",)):
        error = refused("new", "contoso", "--out", tmp_path, "--rollover", tmp_path / "contoso.cer", *more, *SMALL)
        assert isinstance(error, UsageError)
        assert "certificate in use" in str(error)
        assert "contoso-2" in error.hint
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert run("new", "next", "--out", tmp_path, "--rollover", tmp_path / "contoso.cer", *SMALL).exit_code == 0


def test_usage_errors_of_cert_are_usage_errors(tmp_path: Path) -> None:
    for wrong in (("--days", "0"), ("--key-size", "1024"), ("--subject", "no subject")):
        error = refused("new", "x", "--out", tmp_path, *wrong)
        assert isinstance(error, UsageError), wrong
        assert error.exit_code == 2
    error = refused("show", tmp_path / "nothing.cer")
    assert isinstance(error, UsageError)
    assert str(tmp_path / "nothing.cer") in error.hint


def test_a_subject_as_windows_writes_it(tmp_path: Path) -> None:
    printed = run("new", "x", "--out", tmp_path, "--subject", "CN=contoso, O=Contoso Ltd", "--json", *SMALL).stdout
    assert json.loads(printed)["subject"] == "CN=contoso,O=Contoso Ltd"


def test_a_certificate_can_be_watched(tmp_path: Path) -> None:
    run("new", "x", "--out", tmp_path, "--days", "20", *SMALL)
    for days, code in (("10", 0), ("30", 3)):
        shown = run("show", tmp_path / "x.cer", "--warn-days", days)
        assert shown.exit_code == code
        assert "make its successor" in shown.output
    assert run("show", tmp_path / "x.cer").exit_code == 0


def test_an_expired_certificate_says_so(tmp_path: Path) -> None:
    pair = new_key_pair("CN=x", days=1, key_size=2048, now=datetime(2024, 1, 1, tzinfo=UTC))
    (tmp_path / "x.cer").write_text(pair.certificate.pem)
    shown = run("show", tmp_path / "x.cer", "--warn-days", "0")
    assert "EXPIRED on 02 Jan 2024" in shown.output
    assert shown.exit_code == 3
    assert json.loads(run("show", tmp_path / "x.cer", "--json").output)["expired"] is True


def test_a_key_that_entra_does_not_take_is_told(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name, start = x509.Name.from_rfc4514_string("CN=x"), datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=9999))
    (tmp_path / "ec.cer").write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.PEM))
    assert "not an RSA key" in run("show", tmp_path / "ec.cer").output


def test_a_short_password_is_remarked_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "abc")
    assert "fewer than 12 characters" in run("new", "x", "--out", tmp_path, *SMALL).stderr
    monkeypatch.setenv(VARIABLE, "a longer c4n4ry")
    assert "characters" not in run("new", "y", "--out", tmp_path, *SMALL).stderr
