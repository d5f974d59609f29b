"""Worked examples, as the author of a plugin would write them: a task, and its tests in the terms of
`bulkmail.testing`. The documentation quotes them."""
