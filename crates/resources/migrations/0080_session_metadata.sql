-- What administrators note on a session or a family of refresh tokens.
ALTER TABLE sessions ADD COLUMN metadata {json};
ALTER TABLE refresh_token_families ADD COLUMN metadata {json};
