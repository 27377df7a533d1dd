CREATE TABLE logs (
  tenant_id {text_c} NOT NULL,
  log_id {text_c} NOT NULL,
  type {text_c} NOT NULL,
  client_id {text_c},
  connection {text_c},
  user_id {text_c},
  ip {text_c},
  doc {json} NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, log_id)
);
CREATE INDEX logs_user ON logs (tenant_id, user_id, log_id);
