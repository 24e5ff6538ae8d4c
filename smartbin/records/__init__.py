"""Records: facts about people and work, in a relational database (SQLite by default, PostgreSQL
in production).

Who deposited, accounts, ledger, users and work orders live here, and only here: telemetry never
holds an account.
"""
