//! What only tests need: golden vectors, scenes, conformance suites.
