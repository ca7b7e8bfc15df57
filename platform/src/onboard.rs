//! A real chip as a machine.
