"""Overrides of the Focused Inbox, as a kind of thing in a mailbox, and who may read and change them."""

from bulkmail.sim.families.focused.content import overrides
from bulkmail.sim.graph.kind import Kind
from bulkmail.sim.graph.table import roles

READ = roles("Mail.Read Mail.ReadWrite")
WRITE = roles("Mail.ReadWrite")
OVERRIDE = Kind(
    "overrides", "inferenceClassification/overrides", "#microsoft.graph.inferenceClassificationOverride", overrides,
    page=1000, versioned=False,
)  # fmt: skip
