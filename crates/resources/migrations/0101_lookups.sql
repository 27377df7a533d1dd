-- What every login asks for is found by an index, however many rows there are.
-- Each new code, ticket and token removes those that have expired.
CREATE INDEX access_tokens_expiry ON access_tokens (tenant_id, expires_at);
CREATE INDEX authorization_codes_expiry ON authorization_codes (tenant_id, expires_at);
CREATE INDEX login_tickets_expiry ON login_tickets (tenant_id, expires_at);
CREATE INDEX login_transactions_expiry ON login_transactions (tenant_id, expires_at);
CREATE INDEX device_codes_expiry ON device_codes (tenant_id, expires_at);
CREATE INDEX account_tickets_expiry ON account_tickets (tenant_id, expires_at);
CREATE INDEX mfa_tokens_expiry ON mfa_tokens (tenant_id, expires_at);
CREATE INDEX provider_logins_expiry ON provider_logins (tenant_id, expires_at);
CREATE INDEX dashboard_sessions_expiry ON dashboard_sessions (tenant_id, expires_at);
CREATE INDEX dashboard_logins_expiry ON dashboard_logins (tenant_id, expires_at);
CREATE INDEX dashboard_invitations_expiry ON dashboard_invitations (tenant_id, expires_at);
-- Each new refresh token asks which of the user's are too many, of those that are not revoked.
CREATE INDEX refresh_token_families_live ON refresh_token_families
  (tenant_id, user_id, client_id, issued_at DESC, family_id) WHERE revoked_at IS NULL;
-- Sessions of a user are listed in their order, and what was begun in a session ends with it.
DROP INDEX sessions_user;
CREATE INDEX sessions_user ON sessions (tenant_id, user_id, session_id);
CREATE INDEX refresh_token_families_session ON refresh_token_families (tenant_id, session_id);
-- The organizations of a user.
DROP INDEX organization_members_user;
CREATE INDEX organization_members_user ON organization_members (tenant_id, user_id, organization_id);
