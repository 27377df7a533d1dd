CREATE TABLE resource_servers (
  tenant_id {text_c} NOT NULL,
  resource_server_id {text_c} NOT NULL,
  identifier {text_c} NOT NULL,
  doc {json} NOT NULL,
  signing_secret_sealed {blob},
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, resource_server_id)
);
CREATE UNIQUE INDEX resource_servers_identifier ON resource_servers (tenant_id, identifier);
