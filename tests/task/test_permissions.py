"""What an application lacks for a task, and how that is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkmail.task.permissions import Needs, all_of, any_of, covers, stated

NAMES = st.sampled_from(["Mail.Read", "Mail.ReadWrite", "Mail.Send", "Contacts.Read", "User.Read.All"])
NEEDS: st.SearchStrategy[Needs] = st.recursive(
    st.lists(NAMES, max_size=3).map(lambda names: all_of(*names)),
    lambda inner: (
        st.lists(inner | NAMES, max_size=3).map(lambda parts: all_of(*parts))
        | st.lists(inner | NAMES, min_size=1, max_size=3).map(lambda parts: any_of(*parts))
    ),
    max_leaves=6,
)


def test_in_words() -> None:
    needs = all_of("Mail.ReadWrite", any_of("Contacts.Read", "Contacts.ReadWrite"))
    assert needs.text == str(needs) == "Mail.ReadWrite and (Contacts.Read or Contacts.ReadWrite)"
    assert any_of("A").text == all_of(any_of("A")).text == "A"
    assert all_of().text == ""
    assert stated("Mail.ReadWrite and Mail.Send") == all_of("Mail.ReadWrite", "Mail.Send")
    assert stated("") == all_of()
    assert [*needs.names()] == ["Mail.ReadWrite", "Contacts.Read", "Contacts.ReadWrite"]


def test_what_is_missing() -> None:
    needs = all_of("Mail.Send", any_of("Contacts.Read", "User.Read.All"))
    assert needs.missing([]) == needs
    assert needs.missing(["Mail.Send"]).text == "Contacts.Read or User.Read.All"
    assert needs.missing(["Contacts.Read"]).text == "Mail.Send"
    assert not needs.missing(["User.Read.All", "Mail.Send"])


@pytest.mark.parametrize(
    ("role", "wanted", "does"),
    [
        ("Mail.Read", "Mail.Read", True),
        ("Mail.ReadWrite", "Mail.Read", True),
        ("Mail.ReadWrite", "Mail.ReadBasic.All", True),
        ("Mail.Read", "Mail.ReadBasic", True),
        ("MailboxItem.ReadWrite.All", "MailboxItem.Read.All", True),
        ("Mail.Read", "Mail.ReadWrite", False),
        ("Mail.ReadWrite", "Mail.Send", False),
        ("Mail.Send", "Mail.Read", False),
        ("Contacts.ReadWrite", "Mail.Read", False),
        ("MailboxItem.ImportExport.All", "MailboxItem.Export.All", False),
    ],
)
def test_more_of_the_same_is_enough(role: str, wanted: str, does: bool) -> None:
    assert covers(role, wanted) is does


def test_none_of_nothing() -> None:
    with pytest.raises(ValueError, match="at least one"):
        any_of()


@given(NEEDS, st.sets(NAMES))
def test_who_is_given_what_is_missing_lacks_nothing(needs: Needs, roles: set[str]) -> None:
    missing = needs.missing(roles)
    assert not needs.missing({*roles, *missing.names()})
    assert set(missing.names()) <= set(needs.names())
    assert not needs.missing(set(needs.names()))
    if not missing:
        assert not needs.missing({*roles, "Other.Read"})
