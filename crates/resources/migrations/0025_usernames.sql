-- The second name of an account of a database connection; identities hold the first, the e-mail address.
CREATE TABLE usernames (
  tenant_id  {text_c} NOT NULL,
  connection {text_c} NOT NULL,
  username   {text_c} NOT NULL,
  user_id    {text_c} NOT NULL,
  PRIMARY KEY (tenant_id, connection, username)
);
CREATE INDEX usernames_user ON usernames (tenant_id, user_id);
