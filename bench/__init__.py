"""Measurements that anyone can run: each script's last line is JSON."""
