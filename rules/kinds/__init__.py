"""One module per kind of rule: each a pure function from what was seen to a finding with its reasons."""
