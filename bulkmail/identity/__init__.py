"""Who the application is: its certificate, its cloud and its tokens."""
