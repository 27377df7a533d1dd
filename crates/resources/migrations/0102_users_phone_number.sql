-- Most users have no telephone number, and need no entry for none.
DROP INDEX users_phone_number;
CREATE INDEX users_phone_number ON users (tenant_id, phone_number) WHERE phone_number IS NOT NULL;
