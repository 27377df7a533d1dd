-- Second factors of users, and what a session remembers of them.
CREATE TABLE authenticators (
  tenant_id        {text_c} NOT NULL,
  authenticator_id {text_c} NOT NULL,
  user_id          {text_c} NOT NULL,
  factor           {text_c} NOT NULL,
  phone_number     {text_c},
  created_at       BIGINT NOT NULL,
  last_auth_at     BIGINT,
  PRIMARY KEY (tenant_id, authenticator_id)
);
CREATE INDEX authenticators_user ON authenticators (tenant_id, user_id);
ALTER TABLE sessions ADD COLUMN factors {json};
