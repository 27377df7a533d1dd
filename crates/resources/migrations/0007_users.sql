CREATE TABLE users (
  tenant_id {text_c} NOT NULL,
  user_id {text_c} NOT NULL,
  email {text_c},
  phone_number {text_c},
  doc {json} NOT NULL,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX users_email ON users (tenant_id, lower(email));
CREATE INDEX users_phone_number ON users (tenant_id, phone_number);
CREATE INDEX users_created_at ON users (tenant_id, created_at, user_id);
