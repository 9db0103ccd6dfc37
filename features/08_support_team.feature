Feature: The teams are told

  @CHK-08
  Scenario: The support team is told of the deployment
    Then item 08 is signed off, at most 30 days ago, by
      | DevOps Lead |

  @DEP-15 @only-live
  Scenario: The teams are told that it is done
    Then statement DEP-15 is signed off, at most 30 days ago, by
      | DevOps Lead |
