//! The outside: guarded HTTP client, SMS delivery, templates, phone numbers.
