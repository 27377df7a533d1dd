//! JWT, JWS, JWK, certificates, sealed secrets: sign, verify, parse.
