-- Claims that scripts set at the last login of a user at a client: /userinfo states them.
CREATE TABLE userinfo_claims (
  tenant_id {text_c} NOT NULL,
  user_id {text_c} NOT NULL,
  client_id {text_c} NOT NULL,
  doc {json} NOT NULL,
  PRIMARY KEY (tenant_id, user_id, client_id)
);
