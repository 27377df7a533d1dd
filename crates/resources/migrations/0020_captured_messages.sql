-- What `gatewright dev` shows in its inbox instead of sending it. `sequence` is about the time in
-- microseconds, but never the same twice and never smaller than that of a message before.
CREATE TABLE captured_messages (
  tenant_id  {text_c} NOT NULL,
  sequence   BIGINT NOT NULL,
  channel    {text_c} NOT NULL,
  recipient  {text_c} NOT NULL,
  sender     {text_c},
  body       {text_c} NOT NULL,
  connection {text_c},
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, sequence)
);
