Feature: Staging
  What is deployed there, by whom, and what people say of it.

  @DEP-04 @only-deployed
  Scenario: What is deployed is the release
    Then the API says that it has the release's version

  @DEP-04 @only-deployed
  Scenario: The pipeline has deployed it on staging
    Then statement DEP-04 is signed off, at most 30 days ago, by
      | CI |

  @DEP-07 @only-deployed
  Scenario: The functions are validated on staging
    Then statement DEP-07 is signed off, at most 30 days ago, by
      | Backend Lead  |
      | Frontend Lead |
