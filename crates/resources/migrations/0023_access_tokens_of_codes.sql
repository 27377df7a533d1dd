-- RFC 6749 section 4.1.2: an authorization code that comes again takes back what it was exchanged for.
ALTER TABLE access_tokens ADD COLUMN code_hash {text_c};
CREATE INDEX access_tokens_code ON access_tokens (tenant_id, code_hash);
