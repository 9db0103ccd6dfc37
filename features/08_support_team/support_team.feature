Feature: The support team

  @CHK-08
  Scenario: The support team is told of the deployment
    Then item 08 is signed off, at most 30 days ago, by
      | DevOps Lead |
