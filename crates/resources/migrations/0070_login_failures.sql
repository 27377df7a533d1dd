-- How often logging in to an account was tried in a row without success. From as many attempts as the tenant's
-- brute-force protection says, the account is blocked. ip is empty where attempts count from anywhere.
CREATE TABLE login_failures (
  tenant_id  {text_c} NOT NULL,
  identifier {text_c} NOT NULL,
  connection {text_c} NOT NULL,
  ip         {text_c} NOT NULL,
  attempts   BIGINT NOT NULL,
  last_at    BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, identifier, connection, ip)
);
