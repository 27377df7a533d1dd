CREATE TABLE identities (
  tenant_id {text_c} NOT NULL,
  connection {text_c} NOT NULL,
  identifier {text_c} NOT NULL,
  provider {text_c} NOT NULL,
  local_id {text_c} NOT NULL,
  user_id {text_c} NOT NULL,
  PRIMARY KEY (tenant_id, connection, identifier)
);
CREATE UNIQUE INDEX identities_local_id ON identities (tenant_id, connection, provider, local_id);
CREATE INDEX identities_user ON identities (tenant_id, user_id);
