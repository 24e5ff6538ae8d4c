"""The caller: a role, a name, and what it is bound to."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from smartbin.core.errors import BadInput
from smartbin.core.scope import Scope

NAME_MAX = 64


class Role(StrEnum):
    """Who may do what; ``public`` needs neither token nor sign-in.

    A ``resident`` is bound to an account, a ``community`` to its community; a ``supervisor``
    (督导员) and an ``inspector`` (巡查员) judge deposits.
    """

    PUBLIC = "public"
    RESIDENT = "resident"
    CREW = "crew"
    SUPERVISOR = "supervisor"
    INSPECTOR = "inspector"
    COMMUNITY = "community"
    OFFICE = "office"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller. ``community`` and ``account`` bound what may be seen; None bounds nothing.

    ``name`` is the user's or the token's, or a resident's account; of users and tokens it names
    one (``name_key``). ``must_change``: somebody else chose the password.
    """

    role: Role
    name: str
    community: str | None = None
    account: str | None = None
    program: bool = False
    must_change: bool = False

    @property
    def scope(self) -> Scope:
        """What they may see: what they are bound to, their own rounds where they are a crew, and
        their own sessions unless they are an admin.
        """
        own = frozenset({self.name})
        resident, admin = self.account is not None, self.role is Role.ADMIN
        nobodys = resident or self.program  # a program has no sessions
        return Scope(
            communities=None if self.community is None else frozenset({self.community}),
            accounts=None if self.account is None else frozenset({self.account}),
            crews=own if self.role is Role.CREW else None,
            users=None if admin else frozenset() if nobodys else own,
            residents=None if admin else own if resident else frozenset(),
        )


STRANGER = Principal(Role.PUBLIC, "")

# What looks the same to a reader: Cyrillic and Greek letters like Latin ones, and 0 o, 1 i l.
_ALIKE = str.maketrans("аеорсухіјѕкмтнвαορνικτυχε01i", "aeopcyxljskmthbaopvlktuxeoll")


def name_key(name: str) -> str:
    """The same for names that a reader cannot tell apart, for example ``li.wei`` and ``LI.WEІ``."""
    return unicodedata.normalize("NFKC", name).casefold().translate(_ALIKE)


def spelt(name: str) -> str:
    """A name as it is kept, however it was typed; "" when nobody can be called so."""
    name = unicodedata.normalize("NFC", name).strip()
    return name if len(name) <= NAME_MAX and name.isprintable() else ""


def tidy(name: str) -> str:
    """A name as it is kept; BadInput when it is none."""
    if not (kept := spelt(name)):
        raise BadInput(f"--name: 1 to {NAME_MAX} printable characters, for example li.wei")
    return kept
