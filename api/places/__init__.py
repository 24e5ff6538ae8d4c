"""The site, its communities and collection points."""
