-- Keys are rotated: `next` becomes `current` becomes `previous`, and any that signs no more can be `revoked`.
ALTER TABLE signing_keys ADD COLUMN current_since BIGINT;
ALTER TABLE signing_keys ADD COLUMN current_until BIGINT;
ALTER TABLE signing_keys ADD COLUMN revoked_at BIGINT;
UPDATE signing_keys SET current_since = created_at WHERE state = 'current';
