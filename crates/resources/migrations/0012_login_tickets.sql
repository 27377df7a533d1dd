-- Made by /co/authenticate, spent once by /authorize.
CREATE TABLE login_tickets (
  tenant_id    {text_c} NOT NULL,
  ticket_hash  {text_c} NOT NULL,
  client_id    {text_c} NOT NULL,
  user_id      {text_c} NOT NULL,
  connection   {text_c} NOT NULL,
  origin       {text_c} NOT NULL,  -- of the page that authenticated
  binding_hash {text_c} NOT NULL,  -- of the cookie set in that browser
  created_at   BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  used_at      BIGINT,
  PRIMARY KEY (tenant_id, ticket_hash)
);
