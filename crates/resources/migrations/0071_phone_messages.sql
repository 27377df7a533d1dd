-- Who sends messages to phones, and their texts: one text of each type.
CREATE TABLE phone_providers (
  tenant_id          {text_c} NOT NULL,
  provider_id        {text_c} NOT NULL,
  doc                {json} NOT NULL,
  credentials_sealed {blob},
  created_at         BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, provider_id)
);
CREATE TABLE phone_templates (
  tenant_id   {text_c} NOT NULL,
  template_id {text_c} NOT NULL,
  type        {text_c} NOT NULL,
  doc         {json} NOT NULL,
  created_at  BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, template_id)
);
CREATE UNIQUE INDEX phone_templates_type ON phone_templates (tenant_id, type);
