Feature: Judgement of the performance
  Whether the load that was put on is the load that is to come, no measurement knows.

  @CHK-12
  Scenario: The DevOps Lead has signed the load and its results off
    Then item 12 is signed off, at most 30 days ago, by
      | DevOps Lead |
