Feature: The release
  What was tested, reviewed and signed is one commit, and it is what goes live.

  @DEP-03 @unwaivable
  Scenario: The release has a tag
    Then the record's tag is in the repository, is annotated, and names the record's commit

  @DEP-03
  Scenario: The application says which version it is
    Then app/package.json of the commit has the release's version

  @DEP-03 @only-replica @only-compose
  Scenario: What is judged here is the release
    Then every file of the stack that runs here is as the commit has it
