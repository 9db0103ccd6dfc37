Feature: Restoring MongoDB
  A backup that nobody could restore is none: the newest one is put into an empty server, which
  golive starts for it, with the script that the backup host has.

  @CHK-05 @MDB-04 @ahead @only-replica @permit-restore
  Scenario: The newest backup gives all data back
    When the newest backup is restored into an empty server
    Then the server has the documents and indexes that the backup says it holds
    And it has what the deployment has, wherever nobody has changed that since

  @MDB-04 @ahead @only-replica @permit-restore
  Scenario: The accounts are restored too
    When the newest backup is restored into an empty server
    Then these users can sign in with their passwords
      | dashboard-velo |
      | exporter       |
      | backup         |
      | admin          |
    And every user and every role may do what it may in the deployment, and no more

  @MDB-04 @ahead @only-replica @permit-restore
  Scenario: Little time and little data are lost
    When the newest backup is restored into an empty server
    Then the server serves again within 60 s
    And no data are lost but those of the last 24 hours

  @MDB-04 @ahead @only-replica @permit-restore
  Scenario: A damaged backup is noticed before anything is restored from it
    When a backup with one wrong bit is restored into an empty server
    Then the restore is refused, and names the damaged file
    And the server is still empty
