Feature: Code review

  @CHK-02 @DEP-02
  Scenario: What is released was reviewed and approved
    Then git shows that each change was reviewed by another than its author, or item 02 is signed off, at most 30 days ago, by
      | Backend Lead  |
      | Frontend Lead |
