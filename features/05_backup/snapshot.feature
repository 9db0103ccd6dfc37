Feature: Snapshots of Redis
  Redis starts again from its last snapshot. golive has it made now, not in an hour, and starts a
  server of its own from it, with the primary's file.

  @RDS-05 @ahead @only-replica @permit-restore
  Scenario: A server that starts from the snapshot has all keys, with their values
    When a Redis server is started from the primary's snapshot
    Then the snapshot went well, and is where the server looks for it
    And it has every key of 5 types, with the same values

  @RDS-05 @ahead @only-replica @permit-restore
  Scenario: Keys expire after a restart when they would have before
    When a Redis server is started from the primary's snapshot
    Then every key expires when it would have
