-- Who delivers a tenant's e-mail: at most one row of each tenant, its credentials sealed.
CREATE TABLE email_providers (
  tenant_id {text_c} NOT NULL,
  provider_id {text_c} NOT NULL,
  doc {json} NOT NULL,
  credentials_sealed {blob},
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, provider_id)
);
