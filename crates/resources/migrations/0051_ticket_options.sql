-- What a link made over the Management API says for itself. Whoever uses a link that was sent by e-mail reads
-- mail at that address; of others that is true only if their maker says so.
ALTER TABLE account_tickets ADD COLUMN proves_email BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE account_tickets ADD COLUMN include_email BOOLEAN;
