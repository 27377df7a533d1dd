-- Token exchange profiles: a type of tokens that the tenant takes, and the Action that judges them.
CREATE TABLE token_exchange_profiles (
  tenant_id          {text_c} NOT NULL,
  profile_id         {text_c} NOT NULL,
  subject_token_type {text_c} NOT NULL,
  action_id          {text_c} NOT NULL,
  doc                {json} NOT NULL,
  created_at         BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, profile_id)
);
CREATE UNIQUE INDEX token_exchange_profiles_type ON token_exchange_profiles (tenant_id, subject_token_type);
CREATE INDEX token_exchange_profiles_action ON token_exchange_profiles (tenant_id, action_id);
