CREATE TABLE connections (
  tenant_id {text_c} NOT NULL,
  connection_id {text_c} NOT NULL,
  name {text_c} NOT NULL,
  doc {json} NOT NULL,
  options_sealed {blob},
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, connection_id)
);
CREATE UNIQUE INDEX connections_name ON connections (tenant_id, name);
