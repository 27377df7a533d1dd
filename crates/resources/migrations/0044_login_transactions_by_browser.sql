-- A page behind a link in an e-mail looks for the login that its browser left.
CREATE INDEX login_transactions_by_browser ON login_transactions (tenant_id, binding_hash);
