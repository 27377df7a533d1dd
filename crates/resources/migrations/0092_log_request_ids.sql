-- The request that an event was written in: what the header x-request-id of its answer said.
ALTER TABLE logs ADD COLUMN request_id {text_c};
CREATE INDEX logs_request ON logs (tenant_id, request_id);
