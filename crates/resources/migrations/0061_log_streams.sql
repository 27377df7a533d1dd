-- Log streams: where a tenant's log would be sent.
CREATE TABLE log_streams (
  tenant_id   {text_c} NOT NULL,
  stream_id   {text_c} NOT NULL,
  doc         {json} NOT NULL,
  sink_sealed {blob},
  created_at  BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, stream_id)
);
