"""bulkmail against servers, files and folders that mean it harm. Everything is bounded and on loopback."""
