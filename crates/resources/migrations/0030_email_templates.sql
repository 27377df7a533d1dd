-- What a tenant wrote for one kind of e-mail; a kind without a row has the default text.
CREATE TABLE email_templates (
  tenant_id {text_c} NOT NULL,
  template {text_c} NOT NULL,
  doc {json} NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, template)
);
