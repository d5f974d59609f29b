"""The people around a user: colleagues of the same tenant, the most relevant first."""

from bulkmail.sim.graph.call import Json
from bulkmail.sim.tenant.seeded import mix
from bulkmail.sim.world import World

MOST = 25


def people(world: World, user: int) -> list[Json]:
    tenant = world.tenant
    chosen = dict.fromkeys(mix(tenant.seed, user, 700 + place) % tenant.size for place in range(MOST))
    numbers = [number for number in chosen if number != user and number not in tenant.removed]
    return [_person(tenant.user(number), MOST - place) for place, number in enumerate(numbers)]


def _person(user: Json, score: int) -> Json:
    address = user["mail"] or user["userPrincipalName"]
    return {
        "id": user["id"],
        "displayName": user["displayName"],
        "givenName": user["givenName"],
        "surname": user["surname"],
        "birthday": "",
        "personNotes": "",
        "isFavorite": False,
        "jobTitle": user["jobTitle"],
        "companyName": None,
        "yomiCompany": "",
        "department": user["department"],
        "officeLocation": user["officeLocation"],
        "profession": "",
        "userPrincipalName": user["userPrincipalName"],
        "imAddress": f"sip:{address}",
        "scoredEmailAddresses": [
            {"address": address, "relevanceScore": float(score), "selectionLikelihood": "notSpecified"}
        ],
        "phones": [{"type": "business", "number": number} for number in user["businessPhones"]],
        "postalAddresses": [],
        "websites": [],
        "personType": {"class": "Person", "subclass": "OrganizationUser"},
    }
