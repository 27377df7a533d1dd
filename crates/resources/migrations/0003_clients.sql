CREATE TABLE clients (
  tenant_id {text_c} NOT NULL,
  client_id {text_c} NOT NULL,
  doc {json} NOT NULL,
  client_secret_sealed {blob},
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, client_id)
);
