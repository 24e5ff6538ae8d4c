"""What a caller may see: the one argument through which a store is asked for a list."""

from __future__ import annotations

from dataclasses import dataclass, replace

Ids = frozenset[str]


@dataclass(frozen=True, slots=True)
class Scope:
    """The communities, accounts and crews whose rows a caller may see, and whose sign-ins. None
    means no bound; an empty set shows nothing. A row that belongs to nobody (``None``) is
    for callers without that bound.

    Devices follow from communities, by day: see ``Registry.devices_in``. ``users`` and
    ``residents`` bound sessions only; a user's name may read like the code of an account.
    """

    communities: Ids | None = None
    accounts: Ids | None = None
    crews: Ids | None = None
    users: Ids | None = None
    residents: Ids | None = None

    def has_community(self, community: str | None) -> bool:
        """Whether rows of a community are the caller's to see."""
        return self.communities is None or community in self.communities

    def within(self, community: str | None) -> Scope:
        """The same, of one community only; None narrows nothing."""
        if community is None:
            return self
        left = {community} if self.has_community(community) else set()
        return replace(self, communities=frozenset(left))

    def has_account(self, account: str) -> bool:
        """The same of an account."""
        return self.accounts is None or account in self.accounts

    def has_crew(self, crew: str) -> bool:
        """The same of a crew's rounds."""
        return self.crews is None or crew in self.crews


EVERYTHING = Scope()
"""For commands and jobs, which work for the operator."""
