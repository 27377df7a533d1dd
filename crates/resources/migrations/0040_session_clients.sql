-- Which clients took part in a session: those that are told when it ends. A login of the same user in the
-- same browser begins a new session and takes these rows over; `sid` stays what the client was told.
CREATE TABLE session_clients (
  tenant_id  {text_c} NOT NULL,
  session_id {text_c} NOT NULL,
  client_id  {text_c} NOT NULL,
  sid        {text_c} NOT NULL,
  issuer     {text_c} NOT NULL,  -- as the client knows this server
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, session_id, client_id, sid)
);
