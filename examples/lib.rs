//! Examples that the tests execute.
