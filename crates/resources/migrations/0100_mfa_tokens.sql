-- Logins at the token endpoint that wait for a second factor.
CREATE TABLE mfa_tokens (
  tenant_id  {text_c} NOT NULL,
  token_hash {text_c} NOT NULL,
  client_id  {text_c} NOT NULL,
  doc        {json} NOT NULL,
  created_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at    BIGINT,
  PRIMARY KEY (tenant_id, token_hash)
);
