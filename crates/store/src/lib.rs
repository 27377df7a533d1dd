//! One SQL text on SQLite and PostgreSQL: pool, transactions, migrations.
