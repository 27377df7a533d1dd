-- Clients that registered themselves, and the token with which each may manage its registration (RFC 7592).
CREATE TABLE client_registrations (
  tenant_id  {text_c} NOT NULL,
  client_id  {text_c} NOT NULL,
  token_hash {text_c} NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, client_id)
);
