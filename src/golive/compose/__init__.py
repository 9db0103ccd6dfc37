"""The replica as containers: docker-compose.test.yml, started, looked at and removed."""
