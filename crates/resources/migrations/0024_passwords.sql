-- One row per account of a database connection. user_id is the account's own, auth0|…: it stays when the
-- account is linked to another user.
CREATE TABLE passwords (
  tenant_id  {text_c} NOT NULL,
  user_id    {text_c} NOT NULL,
  hash       {text_c} NOT NULL,  -- PHC string, bcrypt, or JSON of an imported hash
  changed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id)
);
CREATE TABLE password_history (
  tenant_id  {text_c} NOT NULL,
  user_id    {text_c} NOT NULL,
  changed_at BIGINT NOT NULL,
  hash       {text_c} NOT NULL,
  PRIMARY KEY (tenant_id, user_id, changed_at)
);
