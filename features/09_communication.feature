Feature: Communication to users

  @CHK-09
  Scenario: Communication to users is planned, if it is needed
    Then item 09 is signed off as done or as not needed, at most 30 days ago, by
      | DevOps Lead |
