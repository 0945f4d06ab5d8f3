"""The page about a run says what happened, what was looked for, and every fault that was found."""

from tests.chaos.findings import NAMES, Report
from tests.chaos.paper import markdown
from tests.chaos.plan import Plan


def test_the_page_of_a_clean_run_names_every_anomaly_with_a_zero() -> None:
    report = Report()
    report.counts.update({"acked": 1234, "node kills": 5})

    page = markdown(report, Plan(), {"MongoDB": "7.0.1"})

    assert "No promise was broken. 1,234 messages were acknowledged while 5 times" in page
    assert "| MongoDB | 7.0.1 |" in page
    assert [line.rsplit("|", 2)[1].strip() for line in page.splitlines() if line.startswith("| `")] == ["0"] * len(
        NAMES
    )


def test_the_page_of_a_run_with_faults_shows_them() -> None:
    report = Report()
    report.add("duplicate", "c", 7, ("ann",), "ann heard 7 twice")

    page = markdown(report, Plan(), {})

    assert "**Promises were broken.**" in page
    assert "- duplicate: ann heard 7 twice" in page
