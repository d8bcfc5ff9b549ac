"""Management information: what grants come to in a year, month by month, beside budgets, plans and other municipalities."""
