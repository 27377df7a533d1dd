//! The Management API: mounts the resource registry at /api/v2.
