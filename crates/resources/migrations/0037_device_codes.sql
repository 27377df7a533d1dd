-- Made by /oauth/device/code, decided by a person on the pages of /activate, spent once by the device.
CREATE TABLE device_codes (
  tenant_id        {text_c} NOT NULL,
  device_code_hash {text_c} NOT NULL,
  user_code_mac    {text_c} NOT NULL,  -- keyed: the code for people is too short to be hashed plainly
  client_id        {text_c} NOT NULL,
  doc              {json} NOT NULL,    -- what was asked and what was decided, see device_codes.rs
  interval_seconds BIGINT NOT NULL,    -- grows when the device asks too often
  polls            BIGINT NOT NULL,
  polled_at        BIGINT,
  expires_at       BIGINT NOT NULL,
  decided_at       BIGINT,
  used_at          BIGINT,
  PRIMARY KEY (tenant_id, device_code_hash)
);
CREATE UNIQUE INDEX device_codes_user_code ON device_codes (tenant_id, user_code_mac);
