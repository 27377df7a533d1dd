-- Public keys of clients, see client_credentials.rs.
CREATE TABLE client_credentials (
  tenant_id     {text_c} NOT NULL,
  credential_id {text_c} NOT NULL,
  client_id     {text_c} NOT NULL,
  kid           {text_c} NOT NULL,
  doc           {json} NOT NULL,
  created_at    BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, credential_id),
  UNIQUE (tenant_id, client_id, kid)
);
-- Assertions that clients have used, until they expire: each is good once.
CREATE TABLE client_assertions (
  tenant_id  {text_c} NOT NULL,
  client_id  {text_c} NOT NULL,
  jti_hash   {text_c} NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, client_id, jti_hash)
);
CREATE INDEX client_assertions_expiry ON client_assertions (tenant_id, expires_at);
