-- Custom domains: other hosts at which a tenant is served, once they were seen to point at this server.
CREATE TABLE custom_domains (
  tenant_id        {text_c} NOT NULL,
  custom_domain_id {text_c} NOT NULL,
  domain           {text_c} NOT NULL,
  status           {text_c} NOT NULL,
  doc              {json} NOT NULL,
  created_at       BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, custom_domain_id)
);
CREATE UNIQUE INDEX custom_domains_domain ON custom_domains (tenant_id, domain);
-- Several tenants may ask for a host; one of them gets it.
CREATE UNIQUE INDEX custom_domains_ready ON custom_domains (domain) WHERE status = 'ready';
