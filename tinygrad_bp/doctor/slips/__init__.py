"""Wrong gradients: the slips behind them, found by the edits that make the steps right."""
