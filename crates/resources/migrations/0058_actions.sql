-- Actions: a draft each, immutable versions of it, and their order at the triggers they are bound to.
-- What a trigger runs is one query: its bindings in order, their actions, the versions that those have deployed.
CREATE TABLE actions (
  tenant_id           {text_c} NOT NULL,
  action_id           {text_c} NOT NULL,
  name                {text_c} NOT NULL,
  deployed_version_id {text_c},
  doc                 {json} NOT NULL,
  secrets_sealed      {blob},
  created_at          BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, action_id)
);
CREATE UNIQUE INDEX actions_name ON actions (tenant_id, name);
CREATE TABLE action_versions (
  tenant_id      {text_c} NOT NULL,
  version_id     {text_c} NOT NULL,
  action_id      {text_c} NOT NULL,
  number         BIGINT NOT NULL,
  doc            {json} NOT NULL,
  secrets_sealed {blob},
  created_at     BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, version_id)
);
CREATE UNIQUE INDEX action_versions_number ON action_versions (tenant_id, action_id, number);
CREATE TABLE action_bindings (
  tenant_id    {text_c} NOT NULL,
  binding_id   {text_c} NOT NULL,
  trigger_id   {text_c} NOT NULL,
  position     BIGINT NOT NULL,
  action_id    {text_c} NOT NULL,
  display_name {text_c} NOT NULL,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, binding_id)
);
CREATE UNIQUE INDEX action_bindings_position ON action_bindings (tenant_id, trigger_id, position);
CREATE INDEX action_bindings_action ON action_bindings (tenant_id, action_id);
