-- Opaque access tokens, good at /userinfo only. JWTs are not stored.
CREATE TABLE access_tokens (
  tenant_id  {text_c} NOT NULL,
  token_hash {text_c} NOT NULL,
  client_id  {text_c} NOT NULL,
  user_id    {text_c} NOT NULL,
  scope      {text_c} NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, token_hash)
);
