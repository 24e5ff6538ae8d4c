"""The relational database (SQLite, or PostgreSQL): the way in, its tables and migrations."""
