Feature: Backups of MongoDB
  Every day, kept for seven days, for their owner's eyes alone. Of a replica golive runs the job
  itself, as cron would, while data are written; elsewhere it looks at what cron has made.

  Rule: What there is

    @MDB-04
    Scenario: A backup is made every day
      Then cron has "backup.js" run on the backup host with 24 hours at most between two times

    @MDB-04 @ahead
    Scenario: The newest backup is less than a day old
      Given the backup job has run
      Then the newest backup in "/var/backups/mongodb" is less than 24 hours old

    @MDB-04 @ahead
    Scenario: The newest backup is as it was written
      Given the backup job has run
      Then every file of the newest backup in "/var/backups/mongodb" has its checksum

    @MDB-04 @ahead
    Scenario: No backup is older than 7 days, and no day is missing since the oldest
      Given the backup job has run
      Then "/var/backups/mongodb" has a backup of each day since its oldest, of 7 days at most

    @MDB-04 @ahead
    Scenario: Nobody but their owner can read the backups
      Given the backup job has run
      Then nobody but its owner can read or change anything in "/var/backups/mongodb"

  Rule: What the job does

    @MDB-04 @ahead @only-replica @permit-write
    Scenario: Seven days are kept, and older backups removed
      Given the backup job has run
      And there were backups of 9 days before
      Then those of the last 7 days are kept, and no other

    @MDB-04 @ahead @only-replica @permit-write
    Scenario: A backup that is made while data are written is of one moment
      Given the backup job has run
      And 20 writes at least were acknowledged before its moment, and some while it ran
      Then it has every write that was acknowledged before its moment
      And it has none of a later one, and no half of any
