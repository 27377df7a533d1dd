CREATE TABLE signing_keys (
  tenant_id {text_c} NOT NULL,
  kid {text_c} NOT NULL,
  state {text_c} NOT NULL,
  private_key_sealed {blob} NOT NULL,
  certificate {blob} NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, kid)
);
