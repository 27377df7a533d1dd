//! For tests only: a real server in this process, an HTTP client, a clock to turn, messages to read.
