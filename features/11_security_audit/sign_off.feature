Feature: Judgement of the security audit
  What is measured here is configuration. That the audit has covered the application too, and that
  what it found is closed or accepted, somebody has to say.

  @CHK-11
  Scenario: The Security Officer has signed the audit off
    Then item 11 is signed off, at most 30 days ago, by
      | Security Officer |
