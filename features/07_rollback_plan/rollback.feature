@only-replica @permit-restart @ahead
Feature: Rollback
  rollback.sh as it is, on the drill's server (see platform/deploy), from v1.1.0 to v1.0.0.
  The newest backup of all is an archive that is cut off. One of v0.9.0 is the oldest by its name,
  and the newest good one by the time of the file.

  Rule: To the release before

    @RBK-03
    Scenario: It takes the newest good backup
      Given a rollback from v1.1.0
      Then the script says that it succeeded
      And version "1.0.0" answers

    @RBK-05
    Scenario: It gives back exactly the earlier files
      Given a rollback from v1.1.0
      Then the deployed files are those of the first deployment, and no other
      And this is among them: .only-in-the-first
      But this is not: .new-in-the-second

    @CHK-07 @RBK-06
    Scenario: The earlier version serves again within a minute, and no request is lost
      Given a rollback from v1.1.0
      Then version "1.0.0" answers within 60 seconds, and none but it
      And none of 100 requests or more was lost

    @RBK-06
    Scenario: The earlier version reads what the newer one has stored
      Given a rollback from v1.1.0
      Then what v1.1.0 stored (201) is read by v1.0.0 (200)
      And all that v1.0.0 knows of it is as it was, alone and in the list

    @RBK-03
    Scenario: A second rollback goes further back, not forward to what was left
      Given a rollback from v1.1.0, and another
      Then version "0.9.0" answers
      And none of 10 requests or more was lost

  Rule: A rollback that is not possible changes nothing

    @RBK-04
    Scenario: Without a backup
      Given a rollback without a backup
      Then the script ends with status 1, and says "Aucun backup"
      And the release from before answers, with the same files and the same processes
      And none of 10 requests or more was lost

    @RBK-07
    Scenario: With backups that are all damaged
      Given a rollback with damaged backups only
      Then the script says that it failed
      And the release from before answers, with the same files and the same processes
      And none of 10 requests or more was lost

    @RBK-07
    Scenario: On a full disk
      Given a rollback on a full disk
      Then the script says that it failed
      And the script says "No space left on device"
      And the release from before answers, with the same files and the same processes
      And none of 10 requests or more was lost
