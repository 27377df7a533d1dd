-- Browsers that are at a provider elsewhere, by the state they must bring back.
CREATE TABLE provider_logins (
  tenant_id  {text_c} NOT NULL,
  state_hash {text_c} NOT NULL,
  connection {text_c} NOT NULL,
  sealed     {blob} NOT NULL,  -- the login transaction's own state, and the PKCE verifier
  expires_at BIGINT NOT NULL,
  used_at    BIGINT,
  PRIMARY KEY (tenant_id, state_hash)
);
-- Tokens of providers, by account. They are kept apart from the user's document, which scripts, exports and
-- searches show.
CREATE TABLE provider_tokens (
  tenant_id  {text_c} NOT NULL,
  account_id {text_c} NOT NULL,
  sealed     {blob} NOT NULL,
  PRIMARY KEY (tenant_id, account_id)
);
