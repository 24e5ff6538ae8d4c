"""What an account is."""

from __future__ import annotations

from enum import StrEnum


class AccountKind(StrEnum):
    """Whose card: each kind has a table of its own in the tariff."""

    HOUSEHOLD = "household"
    ENTERPRISE = "enterprise"
