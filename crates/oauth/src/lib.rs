//! The authorization server: one file per endpoint, one file per grant type.
