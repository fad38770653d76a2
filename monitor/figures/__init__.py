"""The figures of the dashboard and of reports: each module answers one question, from what was counted per hour."""
