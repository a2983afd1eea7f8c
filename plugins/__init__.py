"""What joins the harness to pytest: options, fixtures, parametrization, outcomes, summary. No arithmetic."""
