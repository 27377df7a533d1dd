-- What the dashboard keeps: invitations of administrators, their sessions, and logins on their way. All tokens hashed.
CREATE TABLE dashboard_invitations (
  tenant_id  {text_c} NOT NULL,
  token_hash {text_c} NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at    BIGINT,
  user_id    {text_c},            -- who became administrator by it
  PRIMARY KEY (tenant_id, token_hash)
);
CREATE TABLE dashboard_sessions (
  tenant_id  {text_c} NOT NULL,
  token_hash {text_c} NOT NULL,   -- of the cookie
  user_id    {text_c} NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, token_hash)
);
CREATE INDEX dashboard_sessions_user ON dashboard_sessions (tenant_id, user_id);
-- Requests of /authorize that the dashboard or its playground has sent a browser away with.
CREATE TABLE dashboard_logins (
  tenant_id    {text_c} NOT NULL,
  state_hash   {text_c} NOT NULL,
  binding_hash {text_c} NOT NULL, -- of the cookie of the browser that began it
  doc          {json} NOT NULL,
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, state_hash)
);
