"""What the parts are made from: built or downloaded once, then kept in a content-addressed cache."""
