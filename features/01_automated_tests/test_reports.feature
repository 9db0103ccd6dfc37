Feature: Test reports of the release
  The JUnit files that its record names (golive gate --release FILE).

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
