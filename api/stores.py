"""The stores of every capability, built once over the database, the registry and the tariffs."""

from __future__ import annotations

from smartbin.accounts.store import Accounts
from smartbin.collection.store import Rounds
from smartbin.database import Database
from smartbin.people.codes import Codes
from smartbin.people.sessions import Sessions
from smartbin.people.sign_in import SignIn
from smartbin.people.tokens import Tokens
from smartbin.people.users import Users
from smartbin.places import Registry
from smartbin.points.adjustments import Adjustments
from smartbin.points.catalogue import RewardCatalogue
from smartbin.points.claims import Claims
from smartbin.points.earnings import Earnings
from smartbin.points.redemptions import Redemptions
from smartbin.points.rules.tariff import Tariffs
from smartbin.points.statements import Statements
from smartbin.sorting.revisions import Revisions
from smartbin.verdicts.store import HumanVerdicts


class Stores:
    """What handlers read and write records through."""

    def __init__(self, database: Database, registry: Registry, tariffs: Tariffs) -> None:
        zone = registry.site.zone
        self.accounts = Accounts(database)
        self.adjustments = Adjustments(database, zone)
        self.catalogue = RewardCatalogue(database)
        self.earnings = Earnings(registry, tariffs)
        self.redemptions = Redemptions(database, zone, tariffs)
        self.revisions = Revisions(database)
        self.rounds = Rounds(database)
        self.sessions = Sessions(database)
        self.sign_in = SignIn(database)
        self.claims = Claims(database, zone)
        self.codes = Codes(database, self.sign_in.passwords)
        self.statements = Statements(database, registry, tariffs)
        self.tokens = Tokens(database)
        self.users = Users(database, self.sign_in.passwords)
        self.verdicts = HumanVerdicts(database, zone)
