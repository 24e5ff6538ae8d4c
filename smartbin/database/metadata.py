"""The one MetaData of every capability's tables: SQLite and PostgreSQL have the same ones."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData

metadata = MetaData()
ID = BigInteger().with_variant(Integer, "sqlite")
"""The type of a counted key: SQLite counts an INTEGER by itself."""
