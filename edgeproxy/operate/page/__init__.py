"""The console's page as it goes to browsers: no build step, nothing from any other host."""
