"""Charts: one Vega-Lite specification each, drawn live in the page and as an image on the server, with the table behind it."""
