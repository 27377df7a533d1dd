//! One file per concept: type, table, SQL, schema, scopes, operations.
