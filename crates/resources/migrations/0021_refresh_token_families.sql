-- What came of one login by refreshing: the first refresh token and all that replaced it. Its row is the
-- lock that exchanges of one family take in turn.
CREATE TABLE refresh_token_families (
  tenant_id       {text_c} NOT NULL,
  family_id       {text_c} NOT NULL,
  client_id       {text_c} NOT NULL,
  user_id         {text_c} NOT NULL,
  audience        {text_c},           -- of the API; none for /userinfo only
  scope           {text_c} NOT NULL,  -- granted when it began; exchanges may narrow it
  session_id      {text_c},
  connection      {text_c},
  auth_time       BIGINT,             -- to be repeated in ID tokens
  code_hash       {text_c},           -- the authorization code it came from
  rotating        BOOLEAN NOT NULL,
  generation      BIGINT NOT NULL,    -- the newest; see core::refresh
  advanced_at     BIGINT NOT NULL,    -- when that was first issued
  issued_at       BIGINT NOT NULL,
  last_used_at    BIGINT NOT NULL,
  expires_at      BIGINT,
  revoked_at      BIGINT,
  revoked_because {text_c},
  forget_at       BIGINT,             -- when nobody needs to know any more
  PRIMARY KEY (tenant_id, family_id)
);
CREATE INDEX refresh_token_families_user ON refresh_token_families (tenant_id, user_id, client_id);
CREATE INDEX refresh_token_families_client ON refresh_token_families (tenant_id, client_id);
CREATE INDEX refresh_token_families_code ON refresh_token_families (tenant_id, code_hash);
CREATE INDEX refresh_token_families_forget ON refresh_token_families (tenant_id, forget_at);
