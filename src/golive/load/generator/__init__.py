"""What runs inside Locust: imported by loadtests/, in a process that gevent has patched."""
