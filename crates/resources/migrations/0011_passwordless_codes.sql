-- The one live code of an identifier. A newer start replaces the row, so an older code is gone.
CREATE TABLE passwordless_codes (
  tenant_id  {text_c} NOT NULL,
  connection {text_c} NOT NULL,
  identifier {text_c} NOT NULL,
  code_mac   {blob} NOT NULL,  -- keyed with the master key: six digits hashed plainly could be guessed
  tries      BIGINT NOT NULL,
  used_at    BIGINT,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, connection, identifier)
);
