Feature: Test reports of the release
  The JUnit files that its record names (golive gate --release FILE).

  Rule: Each suite has run on what is released

    @CHK-01 @DEP-01
    Scenario Outline: The <suite> tests of the release pass
      Then the record names a report of the <suite> tests
      And it was made from the release's commit, and after it
      And a test at least was run, and none failed

      Examples:
        | suite       |
        | unit        |
        | integration |
        | e2e         |

  Rule: Staging is no worse than before

    @DEP-05 @only-deployed
    Scenario: The end-to-end tests pass on staging
      Then the record names a report of the staging tests
      And it was made from the release's commit, and after it
      And it was made against https://api.staging.dashboard-velo.com
      And a test at least was run, and none failed
