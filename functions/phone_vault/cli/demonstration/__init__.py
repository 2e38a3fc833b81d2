"""What `phone-vault demo` goes through."""
