"""Money beyond a month's forecast: prices, other models' costs, a provider's invoice, and what answers are worth."""
