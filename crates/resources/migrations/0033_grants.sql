-- What a user has allowed a client to do at an API.
CREATE TABLE grants (
  tenant_id  {text_c} NOT NULL,
  user_id    {text_c} NOT NULL,
  client_id  {text_c} NOT NULL,
  audience   {text_c} NOT NULL,
  grant_id   {text_c} NOT NULL,
  scope      {json} NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, client_id, audience)
);
