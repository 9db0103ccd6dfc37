Feature: Legal compliance

  @CHK-10
  Scenario: Legal compliance is verified
    Then item 10 is signed off, at most 30 days ago, by
      | Security Officer |
