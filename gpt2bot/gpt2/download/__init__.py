"""The models that exist, and a resumable download of the published ones."""
