-- What came of the Actions of a flow, for ten days: the log event of the flow names it.
CREATE TABLE action_executions (
  tenant_id    {text_c} NOT NULL,
  execution_id {text_c} NOT NULL,
  doc          {json} NOT NULL,
  created_at   BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, execution_id)
);
CREATE INDEX action_executions_age ON action_executions (tenant_id, created_at);
