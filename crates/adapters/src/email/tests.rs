//! SMTP against a server on loopback that writes down what it is told.
