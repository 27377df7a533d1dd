-- What an e-mail has and a text message has not.
ALTER TABLE captured_messages ADD COLUMN subject {text_c};
ALTER TABLE captured_messages ADD COLUMN html {text_c};
