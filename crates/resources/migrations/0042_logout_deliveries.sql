-- Logout tokens to be posted. A row is written with the end of the session and goes once the client knows,
-- or when it was tried often enough. Whoever works on one has set `due_at` to when others may take it.
CREATE TABLE logout_deliveries (
  tenant_id   {text_c} NOT NULL,
  delivery_id {text_c} NOT NULL,
  session_id  {text_c} NOT NULL,
  user_id     {text_c} NOT NULL,
  client_id   {text_c} NOT NULL,
  sid         {text_c} NOT NULL,
  issuer      {text_c} NOT NULL,
  url         {text_c} NOT NULL,
  initiator   {text_c} NOT NULL,
  attempts    BIGINT NOT NULL,
  due_at      BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, delivery_id)
);
CREATE INDEX logout_deliveries_due ON logout_deliveries (due_at);
CREATE INDEX logout_deliveries_session ON logout_deliveries (tenant_id, session_id);
