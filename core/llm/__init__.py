"""Language models: their questions, calls, answers and costs."""
