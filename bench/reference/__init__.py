"""What Mixee is measured against, written for the benchmark as users of those libraries would write it."""
