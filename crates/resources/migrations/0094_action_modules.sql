-- Modules that several Actions share: a draft each, and the versions that were published of it.
CREATE TABLE action_modules (
  tenant_id      {text_c} NOT NULL,
  module_id      {text_c} NOT NULL,
  name           {text_c} NOT NULL,
  doc            {json} NOT NULL,
  secrets_sealed {blob},
  created_at     BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, module_id)
);
CREATE UNIQUE INDEX action_modules_name ON action_modules (tenant_id, name);
CREATE TABLE action_module_versions (
  tenant_id      {text_c} NOT NULL,
  version_id     {text_c} NOT NULL,
  module_id      {text_c} NOT NULL,
  number         BIGINT NOT NULL,
  doc            {json} NOT NULL,
  secrets_sealed {blob},
  created_at     BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, version_id)
);
CREATE UNIQUE INDEX action_module_versions_number ON action_module_versions (tenant_id, module_id, number);
