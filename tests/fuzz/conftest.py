"""After a long run: how many cases each property saw, and how many of them raised a finding."""

from ._cases import COUNTS, IS_LONG


def pytest_terminal_summary(terminalreporter):
    """Print the number of cases of each property."""
    if not IS_LONG or not COUNTS:
        return
    terminalreporter.section("cases")
    row = "{:<52}{:>8}{:>9}{:>9}{:>10}"
    terminalreporter.line(row.format("property", "cases", "results", "refused", "findings"))
    for name, counts in COUNTS.items():
        found = counts["cases"] - counts["results"] - counts["refused"]
        numbers = (counts["cases"], counts["results"], counts["refused"], found)
        terminalreporter.line(row.format(name, *numbers))
    total = sum(counts["cases"] for counts in COUNTS.values())
    terminalreporter.line(row.format("all", total, "", "", ""))
