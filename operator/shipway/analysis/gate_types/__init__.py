"""What each type of gate counts, one module a type; `gates`, `shift` and `mismatch` hold the tests they rest on."""
