"""What comes into a channel from elsewhere: an older channel's export, a feed."""
