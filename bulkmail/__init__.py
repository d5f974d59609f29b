"""bulkmail runs one task against every mailbox of a Microsoft 365 tenant."""

__all__ = ["__version__"]

__version__ = "0.1.0"
