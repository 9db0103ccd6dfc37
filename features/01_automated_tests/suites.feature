Feature: The application's own tests
  Run here, on the very files that the replica was started from: the end-to-end tests against the
  replica, the others once for each change of a file.

  @CHK-01 @only-replica @only-compose @ahead
  Scenario Outline: The <suite> tests of the application pass
    Then the <suite> tests of the application pass, and there is one at least

    Examples:
      | suite       |
      | unit        |
      | integration |
      | e2e         |
