-- One row for each limited caller: the theoretical arrival time of the GCRA (core::limits).
CREATE TABLE rate_buckets (
  tenant_id {text_c} NOT NULL,
  bucket    {text_c} NOT NULL,
  caller    {text_c} NOT NULL,
  tat       BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, bucket, caller)
);
