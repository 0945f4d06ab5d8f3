"""What tests are made with: a clock that turns, servers in this process, and people who use them."""
