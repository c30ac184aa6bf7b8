"""How dates and numbers look on the pages, where that differs from what Django has."""
