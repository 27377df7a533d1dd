-- What second factors are proved with: the sealed secret of an app and the last time step whose code was spent, the
-- keyed hash of a recovery code.
ALTER TABLE authenticators ADD COLUMN name {text_c};
ALTER TABLE authenticators ADD COLUMN secret_sealed {blob};
ALTER TABLE authenticators ADD COLUMN last_step BIGINT;
ALTER TABLE authenticators ADD COLUMN code_mac {blob};
