"""Measurements that anyone can repeat: Mixee beside its peers, in one run on one machine. See README.md here."""
