"""`bulkmail cert`: makes the key pair that the application signs in with, and shows what is in one."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from bulkmail.cli.flags import ForPrograms
from bulkmail.cli.password import VARIABLE
from bulkmail.errors import UsageError
from bulkmail.identity.certificate import Certificate, KeyPair
from bulkmail.identity.issue import key_credentials, new_key_pair, to_pem, to_pfx
from bulkmail.identity.keyfile import is_pfx, load_certificate
from bulkmail.identity.secret import Secret, read_secret
from bulkmail.identity.vault import PRIVATE, PUBLIC, write
from bulkmail.text import counted, one_line

WARNED = 3
"""Exit code of `show --warn-days` for a certificate with fewer days left."""

SHORT = 12
"""Characters below which a password is remarked on."""

SOON = 30
"""Days before the end of a certificate from which a successor is asked for."""

app = typer.Typer(
    help="Key pairs and certificates for the application: make one, or show one.",
    no_args_is_help=True,
    add_completion=False,
)


class Form(StrEnum):
    """What the private key is written as."""

    PFX = "pfx"
    PEM = "pem"
    BOTH = "both"


CER, LISTED = ".cer", ".keycredentials.json"
SUFFIXES = {
    Form.PFX: (".pfx", CER, LISTED),
    Form.PEM: (".pem", CER, LISTED),
    Form.BOTH: (".pfx", ".pem", CER, LISTED),
}


@dataclass(frozen=True, slots=True)
class Written:
    """One file to be written: the name with this suffix. `use` says in a few words what for."""

    suffix: str
    content: bytes
    mode: int
    use: str


PasswordFile = Annotated[
    Path | None,
    typer.Option(help=f"File with the password on one line. Else {VARIABLE}, else asked for on a terminal."),
]


@app.command(no_args_is_help=True)
def new(
    name: Annotated[str, typer.Argument(help="Name of the files, such as contoso.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder for the files; made if missing.")] = Path(),
    subject: Annotated[str, typer.Option(help="Subject of the certificate; CN=NAME if not given.")] = "",
    days: Annotated[int, typer.Option(help="Days until the certificate expires.")] = 365,
    key_size: Annotated[int, typer.Option(help="Bits of the RSA key; at least 2048.")] = 3072,
    form: Annotated[Form, typer.Option("--format", help="What to write the private key as.")] = Form.PFX,
    password_file: PasswordFile = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="Leave the PEM unencrypted, on purpose.")] = False,
    rollover: Annotated[
        Path | None, typer.Option(help="Certificate in use now: keyCredentials then lists both, the new one first.")
    ] = None,
    old_manifest: Annotated[
        bool, typer.Option("--old-manifest", help="Name the certificate `value` in keyCredentials, as before Graph.")
    ] = False,
    old_windows: Annotated[
        bool,
        typer.Option("--old-windows", help="Lock the PFX so that Windows before 10 1709 and Server 2019 opens it."),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    as_json: ForPrograms = False,
) -> None:
    """Make an RSA key with a certificate signed by itself, and the files to register it with.

    NAME.pfx or NAME.pem holds the private key and is for you alone. NAME.cer is for uploading to the application in
    Entra, NAME.keycredentials.json is the same for its manifest or for Microsoft Graph.

    Examples:

      bulkmail cert new contoso --out secrets --password-file contoso.pass

      bulkmail cert new contoso-2027 --rollover contoso.cer --format both
    """
    stem = _stem(name)
    targets = [out / f"{stem}{suffix}" for suffix in SUFFIXES[form]]
    if rollover:
        _require_apart(targets, rollover)
    _require_absent(targets, force=force)
    password = None if no_password else _password(password_file, new=True)
    if password is None and form is not Form.PEM:
        raise UsageError("a PFX has to have a password", hint="Use --format pem with --no-password.")
    if password is not None and len(password.reveal()) < SHORT:
        typer.echo(f"note: a password of fewer than {SHORT} characters can be found by trying", err=True)
    old = [load_certificate(rollover)] if rollover else []
    pair = new_key_pair(subject or f"CN={stem}", days=days, key_size=key_size)
    entries = key_credentials([pair.certificate, *old], content="value" if old_manifest else "key")
    files = _private(pair, stem, form, password, old_windows=old_windows) + _public(pair, entries)
    paths = [out / f"{stem}{file.suffix}" for file in files]
    for path, file in zip(paths, files, strict=True):
        write(path, file.content, file.mode, replace=force)
    if as_json:
        return _print_json({**_facts(pair.certificate), "files": [str(path) for path in paths]})
    return _print_new(pair.certificate, {path: file.use for path, file in zip(paths, files, strict=True)})


@app.command(no_args_is_help=True)
def show(
    file: Annotated[Path, typer.Argument(help="PFX, PEM or CER file.")],
    *,
    password_file: PasswordFile = None,
    warn_days: Annotated[
        int | None, typer.Option(help="Exit with 3 if fewer days are left, or if it has expired.", min=0)
    ] = None,
    as_json: ForPrograms = False,
) -> None:
    """Show the certificate in a file: thumbprints, validity, days left. A private key in it is not shown.

    With --warn-days it can be watched by a scheduler: the exit code is 3 when it is time for a successor.

    Examples:

      bulkmail cert show contoso.cer

      bulkmail cert show contoso.cer --warn-days 30
    """
    if not file.exists():
        raise UsageError(f"there is no file {file}", hint=f"Looked for {file.resolve()}.")
    password = _password(password_file, new=False) if is_pfx(file) else None
    certificate = load_certificate(file, password)
    if as_json:
        _print_json({**_facts(certificate), "keyCredentials": key_credentials([certificate])})
    else:
        _print_facts(certificate)
        for sentence in _remarks(certificate):
            typer.echo(sentence)
    if warn_days is not None and certificate.days_left() < warn_days:
        raise typer.Exit(WARNED)


def _remarks(certificate: Certificate) -> Iterator[str]:
    """What is to be known of a certificate that cannot be used as it is."""
    left = certificate.days_left()
    if left < 0:
        yield f"EXPIRED on {certificate.not_after:%d %b %Y}: make its successor with bulkmail cert new"
    elif left < SOON:
        yield f"expires in {counted(left, 'day')}: make its successor with bulkmail cert new NAME --rollover FILE"
    if not certificate.is_rsa:
        yield "not an RSA key: Entra does not take it for an application"


def _stem(name: str) -> str:
    if name in ("", ".", "..") or Path(name).name != name or "\\" in name:
        raise UsageError(f"NAME is the name of a file: {name!r}", hint="Give its folder with --out.")
    return name


def _require_apart(targets: list[Path], rollover: Path) -> None:
    """The key in use signs in until the new certificate is uploaded, so --force does not replace it either."""
    used = rollover.resolve().with_suffix("")
    taken = [path for path in targets if path.exists() and path.resolve().with_suffix("") == used]
    if taken or any(path.resolve() == rollover.resolve() for path in targets):
        raise UsageError(
            f"{(taken or targets)[0]} belongs to the certificate in use, and would be replaced before its successor is "
            "registered",
            hint=f"Choose another NAME, such as {rollover.stem}-2; remove the old files when nothing uses them.",
        )


def _require_absent(paths: list[Path], *, force: bool) -> None:
    """Before a password is asked for, and so that not half of the files get written."""
    for path in paths:
        if path.exists() and not force:
            raise UsageError(f"{path} exists already", hint="Choose another name, or --force to replace it.")


def _password(file: Path | None, *, new: bool) -> Secret:
    if file:
        return read_secret(file)
    given = os.environ.get(VARIABLE)
    if given:
        return Secret(given)
    if sys.stdin.isatty():
        if new:
            typer.echo("The password that the private key is locked with; Ctrl-C to stop.", err=True)
        return Secret(typer.prompt("Password of the private key", hide_input=True, confirmation_prompt=new))
    raise UsageError("the private key needs a password", hint=f"Give --password-file, or set {VARIABLE}.")


def _private(pair: KeyPair, name: str, form: Form, password: Secret | None, *, old_windows: bool) -> list[Written]:
    files = []
    if password is not None and form is not Form.PEM:
        content = to_pfx(pair, name, password, old=old_windows)
        files.append(Written(".pfx", content, PRIVATE, "private key and certificate: keep it safe"))
    if form is not Form.PFX:
        use = "private key and certificate" + (": keep it safe" if password else ", UNENCRYPTED: keep it safe")
        files.append(Written(".pem", to_pem(pair, password), PRIVATE, use))
    return files


def _public(pair: KeyPair, entries: list[dict[str, str]]) -> list[Written]:
    listed = json.dumps(entries, indent=2) + "\n"
    return [
        Written(CER, pair.certificate.pem.encode(), PUBLIC, "public certificate, to upload"),
        Written(LISTED, listed.encode(), PUBLIC, "the same for a manifest or Graph"),
    ]


def _facts(certificate: Certificate) -> dict[str, Any]:
    return {
        "subject": one_line(certificate.subject),
        "sha1": certificate.sha1,
        "sha256": certificate.sha256,
        "x5t": certificate.x5t,
        "x5t#S256": certificate.x5t_s256,
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "days_left": certificate.days_left(),
        "expired": certificate.days_left() < 0,
    }


def _print_new(certificate: Certificate, uses: Mapping[Path, str]) -> None:
    for path, use in uses.items():
        typer.echo(f"{path}  ({use})")
    _print_facts(certificate)
    typer.echo(
        "\nNext: in the Entra admin center, open Certificates & secrets of the application and upload the .cer file."
        "\nAn application may hold several certificates: remove the old one when nothing uses it any more."
    )


def _print_facts(certificate: Certificate) -> None:
    for name, value in _facts(certificate).items():
        typer.echo(f"{name:<11} {value}")


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, indent=2))
