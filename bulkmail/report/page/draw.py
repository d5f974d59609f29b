"""Makes the HTML of a page: what a template shows is one line of visible text, however it came here.

Nothing on a page is fetched and nothing on it runs: its policy (CSP) allows one style sheet, by its digest. Jinja
escapes every text; before that, each is stripped of what a screen would act on instead of showing it, and cut.
"""

from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bulkmail.core.mask import Mask
from bulkmail.text import duration, figure, visible

LONGEST = 300
"""Characters of a text on a page; the whole of it is in the files of the run."""


def page(template: str, facts: Mapping[str, Any], mask: Mask | None = None) -> bytes:
    """The page of a template of this package with what it names, and with a mask in the place of addresses."""
    style, policy = _style()
    found = (
        _environment() if mask is None else _environment().overlay(finalize=lambda value: shown(_masked(value, mask)))
    )
    return found.get_template(template).render(style=style, policy=policy, **facts).encode()


def _masked(value: object, mask: Mask) -> object:
    return mask.text(value[: 8 * LONGEST]) if isinstance(value, str) and not isinstance(value, Markup) else value


def shown(value: object) -> object:
    """A value as it stands on a page: figures with commas, texts on one line. Markup is ours and stays as it is."""
    if value is None:
        return ""
    if isinstance(value, Markup):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    line = visible(str(value)[: 8 * LONGEST])
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def seconds(value: float) -> str:
    """`0.34 s`, `12 s`, `3 min 20 s`."""
    return f"{value:.2f} s" if value < 10 else duration(value)


def share(value: float) -> str:
    """A share of a whole in percent, such that neither nothing nor all is said of what is only nearly so."""
    percent = 100 * value
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.0f} %" if percent in (0, 100) else f"{percent:.1f} %"


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("bulkmail.report.page"), autoescape=True, undefined=StrictUndefined, finalize=shown,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    found.filters |= {"seconds": seconds, "share": share, "figure": figure, "path": Markup}
    return found


@cache
def _style() -> tuple[Markup, Markup]:
    """The style sheet, and the policy that allows it and nothing else."""
    text = (files("bulkmail.report.page") / "templates" / "style.css").read_text(encoding="utf-8")
    digest = b64encode(sha256(text.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return Markup(text), Markup(policy)  # noqa: S704 - both are our own
