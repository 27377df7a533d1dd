-- What users are found by: one row for each searchable value that users have no column for. `value` is
-- written so that its byte order is the order of values (core::search::value).
CREATE TABLE user_index (
  tenant_id {text_c} NOT NULL,
  path      {text_c} NOT NULL,
  value     {text_c} NOT NULL,
  user_id   {text_c} NOT NULL,
  PRIMARY KEY (tenant_id, path, value, user_id)
) {by_key};
ALTER TABLE users ADD COLUMN last_login BIGINT;
ALTER TABLE users ADD COLUMN logins_count BIGINT;
-- False for users of an older version, whose rows the next start writes.
ALTER TABLE users ADD COLUMN indexed BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX users_unindexed ON users (tenant_id, user_id) WHERE NOT indexed;
-- The same pairs are unique, and an identity is found without knowing its connection.
DROP INDEX identities_local_id;
CREATE UNIQUE INDEX identities_local_id ON identities (tenant_id, local_id, provider, connection);
