"""What censors go by: each rule a judge of its own, pure, told the time, and given whole packets."""
