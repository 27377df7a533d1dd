CREATE TABLE client_grants (
  tenant_id {text_c} NOT NULL,
  client_grant_id {text_c} NOT NULL,
  client_id {text_c} NOT NULL,
  resource_server_id {text_c} NOT NULL,
  subject_type {text_c} NOT NULL,
  doc {json} NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, client_grant_id)
);
CREATE UNIQUE INDEX client_grants_subject
  ON client_grants (tenant_id, client_id, resource_server_id, subject_type);
CREATE INDEX client_grants_resource_server ON client_grants (tenant_id, resource_server_id);
