"""What `phone-vault status` has counted, for people and for machines."""
