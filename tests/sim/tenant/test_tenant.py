"""The tenant is a function of its seed: every user can be found, and no other text finds one."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bulkmail.sim import Settings
from bulkmail.sim.tenant.groups import EVERYONE, NESTED, Groups
from bulkmail.sim.tenant.ids import item_id, read_id
from bulkmail.sim.tenant.people import State, Tenant

SIZE = 1_000_000
numbers = st.integers(0, SIZE - 1)
WORDS = st.integers(0, (1 << 32) - 1)
seeds = st.integers(0, 1 << 40)


@given(numbers, seeds)
def test_every_user_is_found_by_address_id_and_mailbox_id_in_any_casing(number: int, seed: int) -> None:
    tenant = Tenant(Settings(mailboxes=SIZE, seed=seed))
    assert tenant.find(tenant.address(number)) == number
    assert tenant.find(tenant.address(number).upper()) == number
    assert tenant.find(tenant.guid(number)) == number
    assert tenant.find(tenant.guid(number).upper()) == number
    assert tenant.find(f"MBX:{tenant.guid(number)}@{tenant.id}") == number


@given(st.text())
def test_no_other_text_finds_anybody(text: str) -> None:
    tenant = Tenant(Settings(mailboxes=50))
    known = {tenant.address(n).lower() for n in range(50)} | {tenant.guid(n) for n in range(50)}
    assert (tenant.find(text) >= 0) == (text.lower() in known)


@given(numbers)
def test_a_number_beyond_the_tenant_is_nobody(number: int) -> None:
    large, small = Tenant(Settings(mailboxes=SIZE)), Tenant(Settings(mailboxes=number + 1))
    assert small.find(large.address(number)) == number
    assert number == 0 or Tenant(Settings(mailboxes=number)).find(large.address(number)) == -1


def test_ids_are_unique() -> None:
    tenant = Tenant(Settings(mailboxes=20_000))
    assert len({tenant.guid(n) for n in range(20_000)}) == len(set(tenant.addresses())) == 20_000


def test_the_shares_are_kept() -> None:
    tenant = Tenant(Settings(mailboxes=20_000, absent=0.1, denied=0.05, moving=0.02, stale=0.02))
    states = Counter(tenant.state(n) for n in range(20_000))
    assert 1800 < sum(states[state] for state in State if state.absent) < 2200
    assert 850 < states[State.DENIED] < 1150
    assert 300 < states[State.MOVING] < 500
    assert 300 < states[State.STALE] < 500


def test_the_same_seed_is_the_same_tenant_and_another_is_not() -> None:
    first, same, other = (Tenant(Settings(mailboxes=100, seed=seed)) for seed in (7, 7, 8))
    assert [first.user(n) for n in range(100)] == [same.user(n) for n in range(100)]
    assert first.id == same.id != other.id
    assert first.guid(0) != other.guid(0)


def test_a_removed_user_is_found_no_more() -> None:
    tenant = Tenant(Settings(mailboxes=10))
    assert tenant.find(tenant.address(3)) == 3
    tenant.remove(3)
    assert tenant.find(tenant.address(3)) == -1


def test_groups_share_the_users_out() -> None:
    groups = Groups(Tenant(Settings(mailboxes=500)))
    shares = [set(groups.users(number, transitive=False)) for number in range(2, len(groups.ids))]
    assert set().union(*shares) == set(groups.users(EVERYONE, transitive=False)) == set(range(500))
    assert sum(map(len, shares)) == 500
    assert not set(groups.users(NESTED, transitive=False))
    for number, group in enumerate(groups.ids):
        inside = set(groups.users(number, transitive=True))
        assert all(groups.holds(group, user) == (user in inside) for user in range(500))


@given(
    st.integers(1, 255),
    st.integers(0, (1 << 32) - 1),
    st.integers(0, (1 << 32) - 1),
    st.integers(0, 65_535),
    st.booleans(),
)
def test_ids_of_items_say_what_they_were_made_of(
    kind: int, mailbox: int, number: int, moves: int, immutable: bool
) -> None:
    ref = read_id(item_id(mailbox, kind, number, moves, immutable=immutable))
    assert ref == (kind, mailbox, number, 0 if immutable else moves, immutable)


@given(st.text())
def test_no_other_text_is_an_id(text: str) -> None:
    assert read_id(text) is None
