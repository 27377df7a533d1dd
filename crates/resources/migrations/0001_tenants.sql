CREATE TABLE tenants (
  tenant_id {text_c} NOT NULL,
  host {text_c} NOT NULL,
  config_version BIGINT NOT NULL,
  settings {json} NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id)
);
CREATE UNIQUE INDEX tenants_host ON tenants (host);
