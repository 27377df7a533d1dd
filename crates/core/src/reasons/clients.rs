//! Reasons of client authentication and registration.

use super::{Entry, entry};

pub(super) const TABLE: &[Entry] = &[
    entry(
        "authorization_header_malformed",
        "request.authorization",
        "The Authorization header is not `Basic` with client_id and secret.",
        "send base64 of client_id:client_secret, each percent-encoded, after Basic.",
    ),
    entry(
        "client_secret_missing",
        "client.token_endpoint_auth_method",
        "The client authenticates with a secret, and sent none.",
        "send client_secret, or set token_endpoint_auth_method of a public client to none.",
    ),
    entry(
        "client_secret_wrong",
        "client.client_secret",
        "The secret is not the client's.",
        "copy the client's secret anew; rotating it makes the old one useless.",
    ),
    entry(
        "client_assertion_missing",
        "client.client_authentication_methods",
        "The client authenticates with an assertion signed by its private key, and sent none.",
        "send client_assertion and client_assertion_type.",
    ),
    entry(
        "client_certificates_not_built",
        "client.client_authentication_methods",
        "Authentication by certificate is not supported.",
        "use private_key_jwt or a secret.",
    ),
    entry(
        "client_is_public",
        "client.token_endpoint_auth_method",
        "A public client may not do this: it cannot prove who it is.",
        "use a client with a secret or a private key.",
    ),
    entry(
        "assertion_malformed",
        "request.client_assertion",
        "The assertion is not a JWT in compact form with text claims iss, sub, jti, an audience and exp.",
        "make it as RFC 7523 section 3 says.",
    ),
    entry(
        "assertion_algorithm",
        "request.client_assertion",
        "The assertion's header names an algorithm that assertions are not signed with.",
        "sign with RS256, RS384 or PS256, as the credential says.",
    ),
    entry(
        "assertion_of_other_client",
        "request.client_assertion",
        "iss, sub and client_id are not the same client.",
        "name one client in all three.",
    ),
    entry(
        "client_without_private_key_jwt",
        "client.client_authentication_methods",
        "The client does not authenticate with private_key_jwt.",
        "give the client client_authentication_methods.private_key_jwt.",
    ),
    entry(
        "assertion_audience",
        "request.client_assertion",
        "aud is not this server's issuer or token endpoint, or names another server too.",
        "set aud to the issuer, with its trailing slash.",
    ),
    entry(
        "assertion_expired",
        "request.client_assertion",
        "exp of the assertion has passed.",
        "make a new assertion for each request; check the client's clock.",
    ),
    entry(
        "assertion_lives_too_long",
        "request.client_assertion",
        "exp of the assertion is more than five minutes ahead.",
        "let it live for a minute.",
    ),
    entry(
        "assertion_not_yet_valid",
        "request.client_assertion",
        "nbf or iat of the assertion lies ahead.",
        "check the client's clock.",
    ),
    entry(
        "assertion_key_unknown",
        "client.credentials",
        "No key of the client that is alive has this kid and algorithm.",
        "register the public key as a credential of the client, or use the right kid.",
    ),
    entry(
        "assertion_signature",
        "client.credentials",
        "No key of the client made the assertion's signature.",
        "sign with the private key whose public key is registered.",
    ),
    entry(
        "assertion_reused",
        "request.client_assertion",
        "jti of the assertion was used before.",
        "make a new assertion for each request.",
    ),
    entry(
        "registration_off",
        "tenant.flags.enable_dynamic_client_registration",
        "The tenant takes no registrations of clients.",
        "set flags.enable_dynamic_client_registration of the tenant to true.",
    ),
    entry(
        "registrations",
        "system.registration_limits",
        "Too many clients were registered from this address.",
        "wait, or make the clients over the Management API.",
    ),
    entry(
        "registrations_at_tenant",
        "system.registration_limits",
        "Too many clients were registered at this tenant.",
        "wait, or make the clients over the Management API.",
    ),
];
