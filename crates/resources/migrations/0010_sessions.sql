-- A browser's session with a tenant. The cookie holds a random token; only its hash is kept.
CREATE TABLE sessions (
  tenant_id        {text_c} NOT NULL,
  session_id       {text_c} NOT NULL,  -- the `sid` of ID tokens
  token_hash       {text_c} NOT NULL,
  user_id          {text_c} NOT NULL,
  connection       {text_c} NOT NULL,
  authenticated_at BIGINT NOT NULL,
  last_active_at   BIGINT NOT NULL,
  idle_expires_at  BIGINT NOT NULL,
  expires_at       BIGINT NOT NULL,
  last_client_id   {text_c} NOT NULL,
  PRIMARY KEY (tenant_id, session_id)
);
CREATE UNIQUE INDEX sessions_token ON sessions (tenant_id, token_hash);
CREATE INDEX sessions_user ON sessions (tenant_id, user_id);
