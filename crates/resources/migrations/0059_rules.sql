-- Rules, their settings, and hooks: stored for tools that read and write them.
CREATE TABLE rules (
  tenant_id  {text_c} NOT NULL,
  rule_id    {text_c} NOT NULL,
  position   BIGINT NOT NULL,
  doc        {json} NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, rule_id)
);
CREATE UNIQUE INDEX rules_position ON rules (tenant_id, position);
CREATE TABLE rules_configs (
  tenant_id    {text_c} NOT NULL,
  config_key   {text_c} NOT NULL,
  value_sealed {blob} NOT NULL,
  PRIMARY KEY (tenant_id, config_key)
);
CREATE TABLE hooks (
  tenant_id      {text_c} NOT NULL,
  hook_id        {text_c} NOT NULL,
  doc            {json} NOT NULL,
  secrets_sealed {blob},
  created_at     BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, hook_id)
);
