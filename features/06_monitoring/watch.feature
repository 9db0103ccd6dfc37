Feature: The hours after a release
  golive watch looks at alerts, requests, errors, response times, restarts and logs, and compares
  with the hours before the release. Its record is beside the reports.

  @DEP-12 @only-deployed
  Scenario: The release was watched for a day
    Then the release was watched here 24 h at least, and the watch ended with GO
