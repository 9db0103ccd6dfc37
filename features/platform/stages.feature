Feature: The stages of a release
  What the document asks for between the tag and the end.

  Rule: Staging has the release, and is no worse than before

    @DEP-04 @only-deployed
    Scenario: What is deployed is the release
      Then the API says that it has the release's version

    @DEP-04 @only-deployed
    Scenario: The pipeline has deployed it on staging
      Then statement DEP-04 is signed off, at most 30 days ago, by
        | CI |

    @DEP-05 @only-deployed
    Scenario: The end-to-end tests pass on staging
      Then the record names a report of the staging tests
      And it was made from the release's commit, and after it
      And it was made against https://api.staging.dashboard-velo.com
      And a test at least was run, and none failed

    @DEP-07 @only-deployed
    Scenario: The functions are validated on staging
      Then statement DEP-07 is signed off, at most 30 days ago, by
        | Backend Lead  |
        | Frontend Lead |

  Rule: After production

    @DEP-15 @only-live
    Scenario: The teams are told that it is done
      Then statement DEP-15 is signed off, at most 30 days ago, by
        | DevOps Lead |
