"""The tenant's own domains: as the job says, or else asked once of the directory.

learn.microsoft.com/graph/api/domain-list
"""

from collections.abc import Iterable
from typing import Any

from pydantic import Field, field_validator

from bulkmail.errors import GraphError, InputError, PermissionMissing, TaskMistake
from bulkmail.graph import Graph
from bulkmail.task.declare import Options
from bulkmail.tasks.rules.judge import Side, domain_of, judge, own_domain

PERMISSION = "Domain.Read.All"
"""The least application permission to list the tenant's domains."""


class DomainOptions(Options):
    """Options of a task that judges recipients."""

    internal_domains: tuple[str, ...] | None = Field(
        None, description="the tenant's own domains, subdomains included; asked from the directory without them"
    )

    @field_validator("internal_domains")
    @classmethod
    def _domains(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is None:
            return None
        if not value:
            raise ValueError("should name at least one domain")
        try:
            return tuple(dict.fromkeys(map(own_domain, value)))
        except InputError as error:
            raise ValueError(str(error)) from None

    @property
    def ask_domains(self) -> bool:
        """Whether the directory has to be asked."""
        return self.internal_domains is None

    def on(self, side: Side, recipients: Iterable[str]) -> list[str]:
        """Those of the recipients that are on this side."""
        if self.internal_domains is None:
            raise TaskMistake("the tenant's domains are not known: set internal_domains")
        ours = frozenset(self.internal_domains)
        return [one for one in recipients if judge(one, ours) is side]


async def with_domains(graph: Graph, options: Any) -> Any:
    """The options with the domains that the directory has verified, unless the job names them.

    Raises PermissionMissing, and GraphError where there is no verified domain: every recipient would be external.
    """
    if not options.ask_domains:
        return options
    try:
        found = [one async for one in graph.items("/domains", params={"$select": "id,isVerified"})]
    except GraphError as error:
        if error.status != 403:
            raise
        raise PermissionMissing(
            f"the directory may not tell the tenant's domains: {error}",
            hint=f"Give the application {PERMISSION}, or name the domains: task.internal_domains.",
        ) from error
    verified = (one["id"] for one in found if isinstance(one, dict) and one.get("isVerified") is True)
    domains = tuple(filter(None, (domain_of(name) for name in verified if isinstance(name, str))))
    if not domains:
        raise GraphError(200, "NoDomains", "the directory names no verified domain of the tenant")
    return options.model_copy(update={"internal_domains": domains})
