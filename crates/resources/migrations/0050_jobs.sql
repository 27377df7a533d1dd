-- Work that goes on after the answer: imports and exports of users, mails to verify addresses.
CREATE TABLE jobs (
  tenant_id      {text_c} NOT NULL,
  job_id         {text_c} NOT NULL,
  type           {text_c} NOT NULL,  -- users_import, users_export, verification_email
  status         {text_c} NOT NULL,  -- pending, processing, completed, failed
  doc            {json} NOT NULL,    -- what was asked for, as it is shown
  task           {json} NOT NULL,    -- what else the work needs
  slot           BIGINT,             -- of an import that is not over: 0 or 1
  due_at         BIGINT,             -- when a worker may take it; null once it is over
  attempts       BIGINT NOT NULL,    -- how often one did
  rows_done      BIGINT NOT NULL,
  rows_total     BIGINT,
  inserted       BIGINT NOT NULL,
  updated        BIGINT NOT NULL,
  failed         BIGINT NOT NULL,
  last_user_id   {text_c},           -- how far an export has come
  status_details {text_c},
  created_at     BIGINT NOT NULL,
  started_at     BIGINT,
  PRIMARY KEY (tenant_id, job_id)
);
CREATE UNIQUE INDEX jobs_slot ON jobs (tenant_id, slot);
CREATE INDEX jobs_due ON jobs (due_at);
CREATE INDEX jobs_created_at ON jobs (created_at);
-- The file that an import reads, or that an export wrote, in parts.
CREATE TABLE job_files (
  tenant_id {text_c} NOT NULL,
  job_id    {text_c} NOT NULL,
  part      BIGINT NOT NULL,
  bytes     {blob} NOT NULL,
  PRIMARY KEY (tenant_id, job_id, part)
);
-- Rows of imports that were refused, and why.
CREATE TABLE job_errors (
  tenant_id {text_c} NOT NULL,
  job_id    {text_c} NOT NULL,
  row_number BIGINT NOT NULL,
  doc       {json} NOT NULL,
  PRIMARY KEY (tenant_id, job_id, row_number)
);
