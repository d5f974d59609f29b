"""Recipients are judged by the domain that mail really goes to; what is no plain address is never taken for either."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.errors import InputError
from bulkmail.tasks.rules.judge import Side, domain_of, judge, own_domain

OURS = frozenset(map(own_domain, ["contoso.com", "@Münchner-Büro.example", "*.contoso.onmicrosoft.com"]))
IN, OUT, ODD = Side.INTERNAL, Side.EXTERNAL, Side.UNKNOWN
TABLE = [
    ("ada@contoso.com", IN),
    ("Ada@CONTOSO.COM", IN),
    ("ada+news@contoso.com", IN),
    ("ada@mail.contoso.com", IN),
    ("ada@a.b.c.contoso.com", IN),
    ("ada@contoso.com.", IN),
    (" ada@contoso.com\n", IN),
    ("SMTP:ada@contoso.com", IN),
    ("smtp:ada@contoso.com", IN),
    ("mailto:ada@contoso.com", IN),
    ("Ada <ada@contoso.com>", IN),
    ('"drop@elsewhere.example" <ada@contoso.com>', IN),
    ('"a@b"@contoso.com', IN),
    ("ada@contoso.onmicrosoft.com", IN),
    ("ada@münchner-büro.example", IN),
    ("ada@MÜNCHNER-BÜRO.example", IN),
    ("ada@mu\u0308nchner-bu\u0308ro.example", IN),
    ("ada@xn--mnchner-bro-thbi.example", IN),
    ("ada@XN--MNCHNER-BRO-THBI.EXAMPLE", IN),
    ("ada@\uff43\uff4f\uff4e\uff54\uff4f\uff53\uff4f.com", IN),
    ("ada@contoso\u3002com", IN),
    ("Größe@contoso.com", IN),
    ("alan_mail.contoso.com#EXT#@contoso.onmicrosoft.com", IN),
    ("ada@elsewhere.example", OUT),
    ("ada+contoso.com@elsewhere.example", OUT),
    ("ada@contoso.com.attacker.example", OUT),
    ("contoso.com@elsewhere.example", OUT),
    ("ada@notcontoso.com", OUT),
    ("ada@contoso.co", OUT),
    ("ada@contoso.comm", OUT),
    ("ada@com.contoso", OUT),
    ("ada@onmicrosoft.com", OUT),
    ("ada@other.onmicrosoft.com", OUT),
    ("ada@\u0441ontoso.com", OUT),
    ("ada@munchner-buro.example", OUT),
    ("ada@straße.example", OUT),
    ("SMTP:ada@elsewhere.example", OUT),
    ("mailto:ada@elsewhere.example", OUT),
    ("Ada <ada@elsewhere.example>", OUT),
    ('"ada@contoso.com" <drop@elsewhere.example>', OUT),
    ('"ada@contoso.com"@elsewhere.example', OUT),
    ("=cmd|' /C calc'!A0@elsewhere.example", OUT),
    ("ada_elsewhere.example#EXT#@contoso.onmicrosoft.com", OUT),
    ("a_d_a_elsewhere.example#ext#@contoso.com", OUT),
    ("ada%contoso.com@elsewhere.example", OUT),
    ("", ODD),
    ("Reception", ODD),
    ("@contoso.com", ODD),
    ("@elsewhere.example", ODD),
    ("ada@", ODD),
    ("ada@localhost", ODD),
    ("ada@printer.local", ODD),
    ("ada@10.0.0.1", ODD),
    ("ada@[10.0.0.1]", ODD),
    ("ada@elsewhere.example@contoso.com", ODD),
    ("ada@contoso.com; drop@elsewhere.example", ODD),
    ("ada@else where.example", ODD),
    ("ada@else\u200bwhere.example", ODD),
    ("ada@-elsewhere.example", ODD),
    ("ada@elsewhere..example", ODD),
    ("/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn=ada", ODD),
    ("/O=CONTOSO/OU=FIRST/CN=RECIPIENTS/CN=ADA@elsewhere.example", ODD),
    ("EX:/o=ExchangeLabs/cn=ada", ODD),
    ("X500:/o=ExchangeLabs/cn=ada@elsewhere.example", ODD),
    ("IMCEAEX-_O=CONTOSO_CN=ADA@contoso.com", ODD),
    ("IMCEASMTP-drop+40elsewhere+2Eexample@contoso.com", ODD),
    ("sip:ada@elsewhere.example", ODD),
    ("ada", ODD),
]


@pytest.mark.parametrize(("address", "side"), TABLE)
def test_the_table(address: str, side: Side) -> None:
    assert judge(address, OURS) is side


def test_the_table_has_what_was_promised() -> None:
    assert len({address for address, _ in TABLE}) == len(TABLE) >= 60


NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.+_-]{0,20}[a-z0-9])?", fullmatch=True).filter(
    lambda name: not name.startswith("imcea")
)
LABELS = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
DOMAINS = st.lists(LABELS, min_size=2, max_size=5).map(".".join).filter(domain_of)


@given(text=st.text(max_size=80), ours=st.sets(DOMAINS, max_size=3))
def test_any_text_has_one_side_and_none_without_an_at_is_external(text: str, ours: set[str]) -> None:
    side = judge(text, ours)
    assert "@" in text or side is ODD
    assert judge(text, frozenset()) is not IN
    assert not (side is IN and not any(domain in _folded(text) for domain in ours))


def _folded(text: str) -> str:
    _, _, domain = text.strip().rpartition("@")
    domain = domain.rstrip(">").strip()
    guest = text.lower().partition("#ext#")[0].rpartition("_")[2] if "#ext#" in text.lower() else ""
    return f"{domain_of(domain)} {domain_of(guest)}"


@given(name=NAMES, domain=DOMAINS, below=st.lists(LABELS, max_size=2), other=DOMAINS)
def test_neither_case_nor_subdomains_nor_plus_matter(name: str, domain: str, below: list[str], other: str) -> None:
    ours = {domain}
    deep = ".".join([*below, domain])
    for address in (f"{name}@{deep}", f"{name}+x@{deep}".upper(), f"smtp:{name}@{deep}", f"N <{name}@{deep}.>"):
        assert judge(address, ours) is IN
    outside = not f".{other}".endswith(f".{domain}")
    assert judge(f"{name}@{other}", ours) is (OUT if outside else IN)
    assert judge(f"{name}@{domain}.{other}", ours) is (IN if f".{domain}.{other}".endswith(f".{domain}") else OUT)
    assert judge(f"{name}@x{domain}", ours) is OUT


@given(domain=st.text(max_size=30))
def test_a_domain_is_written_in_one_way(domain: str) -> None:
    found = domain_of(domain)
    assert found.isascii()
    assert found == found.lower()
    assert domain_of(found) == found
    assert not found or "." in found


@pytest.mark.parametrize("text", ["", "com", "contoso", "a b.com", "10.0.0.1", "x.local", "ada@contoso.com", "*.com"])
def test_what_is_not_a_domain_of_ones_own(text: str) -> None:
    with pytest.raises(InputError, match="is not a domain"):
        own_domain(text)
