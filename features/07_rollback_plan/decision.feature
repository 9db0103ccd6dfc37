Feature: Decision of a rollback

  @RBK-02
  Scenario: Who decides a rollback, and on what, is written down
    Then statement RBK-02 is signed off, at most 30 days ago, by
      | DevOps Lead |
      | DBA         |
