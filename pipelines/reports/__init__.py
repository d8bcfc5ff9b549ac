"""Reports that people read: what the figures of a release say, as PDF and as HTML, in Danish."""
