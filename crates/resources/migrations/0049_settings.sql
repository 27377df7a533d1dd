-- Settings: one object of each name, at the paths that the API gives them. What is not here has its default.
CREATE TABLE settings (
  tenant_id     {text_c} NOT NULL,
  name          {text_c} NOT NULL,
  doc           {json} NOT NULL,
  secret_sealed {blob},
  PRIMARY KEY (tenant_id, name)
);
-- These were members of the tenant's own settings.
INSERT INTO settings (tenant_id, name, doc)
  SELECT tenant_id, 'prompts', settings -> 'prompts' FROM tenants WHERE settings -> 'prompts' IS NOT NULL;
INSERT INTO settings (tenant_id, name, doc)
  SELECT tenant_id, 'branding', settings -> 'branding' FROM tenants WHERE settings -> 'branding' IS NOT NULL;
