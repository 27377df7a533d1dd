-- Made by /authorize when a person has to be asked something; spent once, by the answer to the client.
CREATE TABLE login_transactions (
  tenant_id    {text_c} NOT NULL,
  state_hash   {text_c} NOT NULL,
  binding_hash {text_c} NOT NULL,  -- of the cookie of the browser that began it
  client_id    {text_c} NOT NULL,
  doc          {json} NOT NULL,    -- the request and how far the login has come, see login_transactions.rs
  created_at   BIGINT NOT NULL,
  seen_at      BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  used_at      BIGINT,
  PRIMARY KEY (tenant_id, state_hash)
);
