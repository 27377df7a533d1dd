//! Gatewright: an identity server that works with Auth0's SDKs and says why.
