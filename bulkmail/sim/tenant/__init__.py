"""Who and what there is: people, groups and mailboxes, computed from a seed and kept only when they are changed."""
