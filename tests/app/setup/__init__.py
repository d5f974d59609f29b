"""The steps of a set-up, each rule for itself."""
