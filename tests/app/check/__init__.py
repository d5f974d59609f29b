"""The checks of a job, each rule for itself."""
