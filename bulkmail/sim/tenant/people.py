"""The people of the tenant, computed: user and mailbox number n is a function of (seed, n) and takes no memory.

Knows who there is; what is inside a mailbox is the matter of `mailbox`.
"""

from collections.abc import Iterator
from enum import Enum
from functools import lru_cache

from bulkmail.sim.graph.call import Json
from bulkmail.sim.limits.settings import Settings
from bulkmail.sim.tenant import words
from bulkmail.sim.tenant.seeded import guid, mix, pick, share

DOMAIN = "tenant.example"
_48 = (1 << 48) - 1
_ODD = 0x5DEECE66D  # any odd number is invertible modulo a power of two
_INVERSE = pow(_ODD, -1, 1 << 48)
SKU = "05e9a617-0261-4cee-bb44-138d3ef5d965"
EXCHANGE_PLAN = "efb87545-963c-4e0d-99df-69c6916d9eb0"


class State(Enum):
    """How the mailbox of a user answers."""

    PRESENT = "present"
    GUEST = "guest"
    UNLICENSED = "unlicensed"
    ON_PREMISES = "on_premises"
    DENIED = "denied"
    MOVING = "moving"
    STALE = "stale"

    @property
    def absent(self) -> bool:
        return self in ABSENT


ABSENT = frozenset({State.GUEST, State.UNLICENSED, State.ON_PREMISES})
REMEMBERED = 1 << 16  # users whose number and state are kept at hand
_ABSENT = (State.GUEST, State.UNLICENSED, State.UNLICENSED, State.ON_PREMISES)
PURPOSES = ("user",) * 17 + ("shared", "room", "equipment")


class Tenant:
    """Finds users by id, address or number, and tells who they are."""

    def __init__(self, settings: Settings) -> None:
        self.size = settings.mailboxes
        self.seed = settings.seed
        self.items = settings.items
        self.item_sizes = settings.smallest_item, settings.typical_item, settings.largest_item
        self.id = guid(mix(settings.seed, 0, 90), mix(settings.seed, 0, 91))
        self._find = lru_cache(REMEMBERED)(self._named)
        self.state = lru_cache(REMEMBERED)(self._state)
        self.removed: set[int] = set()
        self.changed: dict[int, int] = {}  # user -> number of the change
        self.changes = 0
        self._bounds = (
            settings.absent,
            settings.absent + settings.denied,
            settings.absent + settings.denied + settings.moving,
            settings.absent + settings.denied + settings.moving + settings.stale,
        )

    def _state(self, number: int) -> State:
        chance = share(self.seed, number, 1)
        absent, denied, moving, stale = self._bounds
        if chance >= stale:
            return State.PRESENT
        if chance < absent:
            return pick(_ABSENT, mix(self.seed, number, 2))
        if chance < denied:
            return State.DENIED
        return State.MOVING if chance < moving else State.STALE

    def purpose(self, number: int) -> str:
        return pick(PURPOSES, mix(self.seed, number, 3))

    def guid(self, number: int) -> str:
        """The object id; the number is in its last twelve digits, stirred."""
        bits = mix(self.seed, number, 4)
        low = (number * _ODD ^ self.seed * 0x9E3779B9) & _48
        text = f"{bits:016x}"
        return f"{text[:8]}-{text[8:12]}-4{text[12:15]}-8{text[5:8]}-{low:012x}"

    def address(self, number: int) -> str:
        """The user principal name; a guest's holds the address elsewhere, with `#EXT#`."""
        bits = mix(self.seed, number, 5)
        name = f"{words.FIRST[bits % 20]}.{words.LAST[(bits >> 8) % 20]}.{number}"
        if self.state(number) is State.GUEST:
            return f"{name}_partner.example#EXT#@{DOMAIN}"
        return f"{name}@{DOMAIN}"

    def addresses(self, limit: int | None = None) -> Iterator[str]:
        """The principal names of the first users, whether they have a mailbox or not."""
        return map(self.address, range(self.size if limit is None else min(limit, self.size)))

    def find(self, text: str) -> int:
        """The number of the user with this id or address, or -1."""
        number = self._find(text)
        return -1 if number in self.removed else number

    def _named(self, text: str) -> int:
        if text[:4] == "MBX:":  # as import and export name a mailbox
            text = text[4:].partition("@")[0]
        return self._by_guid(text) if len(text) == 36 and text[8] == "-" else self._by_address(text)

    def _by_guid(self, text: str) -> int:
        try:
            low = int(text[24:], 16)
        except ValueError:
            return -1
        number = (low ^ self.seed * 0x9E3779B9 & _48) * _INVERSE & _48
        return number if number < self.size and self.guid(number) == text.lower() else -1

    def _by_address(self, text: str) -> int:
        local, at, _ = text.partition("@")
        digits = local.rpartition(".")[2] if "_" not in local else local.partition("_")[0].rpartition(".")[2]
        if not at or not (digits.isascii() and digits.isdigit()) or len(digits) > 10:
            return -1
        number = int(digits)
        return number if number < self.size and self.address(number).lower() == text.lower() else -1

    def user(self, number: int) -> Json:
        """All properties of the directory object that the simulator knows."""
        bits = mix(self.seed, number, 6)
        state, purpose = self.state(number), self.purpose(number)
        address = self.address(number)
        first, last = address.partition("@")[0].split(".")[:2]
        person = purpose == "user"
        has_mail = state is not State.UNLICENSED or bits & 1 == 0
        language = pick(words.LANGUAGES, bits >> 3)[0]
        licensed = person and state in {State.PRESENT, State.DENIED, State.MOVING, State.STALE}
        return {
            "id": self.guid(number),
            "businessPhones": [f"+1 555 {bits % 10000:04d}"] if bits & 2 else [],
            "displayName": pick(words.DISPLAY, bits >> 7).format(first=first.title(), last=last.title()),
            "givenName": first.title() if person else None,
            "jobTitle": pick(words.TITLES, bits >> 11) or None,
            "mail": self._mail(number, address, state) if has_mail else None,
            "mobilePhone": None,
            "officeLocation": pick(words.OFFICES, bits >> 13) or None,
            "preferredLanguage": language if bits & 4 else None,
            "surname": last.title() if person else None,
            "userPrincipalName": address,
            "accountEnabled": person and bits >> 20 & 31 != 0,
            "userType": "Guest" if state is State.GUEST else "Member",
            "department": pick(words.DEPARTMENTS, bits >> 25) or None,
            "usageLocation": language[-2:],
            "createdDateTime": f"20{10 + bits % 16}-{1 + (bits >> 5) % 12:02d}-{1 + (bits >> 9) % 28:02d}T08:00:00Z",
            "mailNickname": address.partition("@")[0].replace("'", ""),
            "onPremisesSyncEnabled": True if state is State.ON_PREMISES else None,
            "proxyAddresses": [f"SMTP:{self._mail(number, address, state)}"] if has_mail else [],
            "otherMails": [],
            "assignedLicenses": [{"disabledPlans": [], "skuId": SKU}] if licensed else [],
            "assignedPlans": [_plan()] if licensed else [],
        }

    def _mail(self, number: int, address: str, state: State) -> str:
        """Where mail goes; for one user in fifty another address than the principal name, with capital letters."""
        if state is State.GUEST:
            return address.partition("#")[0].replace("_", "@")
        return address.title() if mix(self.seed, number, 7) % 50 == 0 else address

    def remove(self, number: int) -> None:
        self.removed.add(number)
        self.touch(number)

    def touch(self, number: int) -> None:
        """Notes that a user was changed, for delta queries."""
        self.changes += 1
        self.changed[number] = self.changes


def _plan() -> Json:
    return {
        "assignedDateTime": "2024-01-01T00:00:00Z",
        "capabilityStatus": "Enabled",
        "service": "exchange",
        "servicePlanId": EXCHANGE_PLAN,
    }


def recipient(address: str) -> Json:
    """A person who gets or sends mail, as messages, events and rules name them."""
    return {"emailAddress": {"name": address.partition("@")[0].replace(".", " ").title(), "address": address}}
