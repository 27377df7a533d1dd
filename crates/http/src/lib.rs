//! What every HTTP surface shares: tenant from the host, request context, CORS, limits, errors to responses.
