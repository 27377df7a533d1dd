-- RFC 6749 section 4.1: spent once, bound to the client, the redirect URI and the PKCE challenge.
CREATE TABLE authorization_codes (
  tenant_id  {text_c} NOT NULL,
  code_hash  {text_c} NOT NULL,
  client_id  {text_c} NOT NULL,
  user_id    {text_c} NOT NULL,
  doc        {json} NOT NULL,  -- what was decided at /authorize, see authorization_codes.rs
  expires_at BIGINT NOT NULL,
  used_at    BIGINT,
  PRIMARY KEY (tenant_id, code_hash)
);
