"""What would keep a service from coming back, found before it has to: more than `barman check` sees."""
