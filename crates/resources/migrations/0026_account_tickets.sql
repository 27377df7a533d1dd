-- Links to set a password or to prove an e-mail address; spent once, and only the newest of its kind is good.
CREATE TABLE account_tickets (
  tenant_id   {text_c} NOT NULL,
  ticket_hash {text_c} NOT NULL,
  purpose     {text_c} NOT NULL,  -- reset_password, verify_email
  user_id     {text_c} NOT NULL,
  connection  {text_c} NOT NULL,
  email       {text_c} NOT NULL,  -- as it was when the link was sent: a later address is not proved by it
  client_id   {text_c},
  result_url  {text_c},
  expires_at  BIGINT NOT NULL,
  used_at     BIGINT,
  PRIMARY KEY (tenant_id, ticket_hash)
);
CREATE INDEX account_tickets_user ON account_tickets (tenant_id, user_id);
