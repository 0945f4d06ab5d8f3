"""The core slices: what every Mixee server does."""
