-- Authorization requests that clients pushed (RFC 9126); spent by the answer to the client.
CREATE TABLE pushed_requests (
  tenant_id  {text_c} NOT NULL,
  uri_hash   {text_c} NOT NULL,
  client_id  {text_c} NOT NULL,
  params     {json} NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_at    BIGINT,
  PRIMARY KEY (tenant_id, uri_hash)
);
CREATE INDEX pushed_requests_expiry ON pushed_requests (tenant_id, expires_at);
