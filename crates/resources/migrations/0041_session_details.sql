-- What people want to know of a session, and what finds those that are over.
ALTER TABLE sessions ADD COLUMN created_at BIGINT;
ALTER TABLE sessions ADD COLUMN persistent BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE sessions ADD COLUMN initial_ip {text_c};
ALTER TABLE sessions ADD COLUMN initial_user_agent {text_c};
ALTER TABLE sessions ADD COLUMN last_ip {text_c};
ALTER TABLE sessions ADD COLUMN last_user_agent {text_c};
CREATE INDEX sessions_expires_at ON sessions (expires_at);
CREATE INDEX sessions_idle_expires_at ON sessions (idle_expires_at);
CREATE INDEX grants_id ON grants (tenant_id, grant_id);
