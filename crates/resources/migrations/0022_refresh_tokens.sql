-- Every refresh token of a family, replaced ones too: one that comes again gives a thief away.
CREATE TABLE refresh_tokens (
  tenant_id  {text_c} NOT NULL,
  token_hash {text_c} NOT NULL,
  family_id  {text_c} NOT NULL,
  generation BIGINT NOT NULL,
  issued_at  BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, token_hash)
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (tenant_id, family_id);
